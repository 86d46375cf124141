import { formatDuration } from "../render/duration.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";

/** This machine's clock against those of etcd's members. */
export interface ClockFacts {
  readonly endpoint: string;
  /** Seconds of this machine's clock in a second of the member's; undefined: it could not be measured. */
  readonly rate: number | undefined;
  /** How far this machine's wall clock is ahead of the member's, in ms. */
  readonly aheadMs: number;
}

/** What the measurement can be wrong by is below this. */
const NOTICEABLE = 0.03;
/** What docs/protocol.md assumes of each machine: beyond it a wait of 2 TTLs may be over before a kill time of 1.75 TTLs. */
const DANGEROUS = 0.066;
const FAR_MS = 5_000;

/** Checks how fast this machine's clock goes, by the median of the members, and where its wall clock stands. */
export function checkClock(facts: readonly ClockFacts[]): readonly Finding[] {
  const rates = facts.flatMap(({ rate }) => (rate === undefined ? [] : [rate])).sort((a, b) => a - b);
  const rate = rates[Math.floor(rates.length / 2)];
  const findings: Finding[] = [];
  if (rate !== undefined) findings.push(checkRate(rate));
  else if (facts.length > 0) {
    const what = "how fast the clock here goes could not be measured: this machine or etcd is too busy";
    findings.push(warning(what, "run msdha doctor again when it is not"));
  }
  const far = facts.find(({ aheadMs }) => Math.abs(aheadMs) > FAR_MS);
  if (far) {
    const which = far.aheadMs > 0 ? "ahead of" : "behind";
    findings.push(
      warning(
        `the wall clock here is ${formatDuration(Math.abs(far.aheadMs))} ${which} that of etcd ${far.endpoint}`,
        "set it (NTP): a pause with --for ends by the nodes' wall clocks, and the history has their times",
      ),
    );
  } else if (facts.length > 0) findings.push(ok("the wall clock here is that of etcd's members"));
  return findings;
}

function checkRate(rate: number): Finding {
  const off = Math.abs(rate - 1);
  const percent = Math.round(off * 100);
  if (off < NOTICEABLE) return ok("the clock here goes as fast as those of etcd's members");
  const what = `the clock here goes ${percent} % ${rate > 1 ? "faster" : "slower"} than those of etcd's members`;
  const todo =
    "see its clock source (/sys/devices/system/clocksource): all waits rest on clocks that go alike";
  return (off < DANGEROUS ? warning : failure)(what, todo);
}
