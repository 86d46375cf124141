import { ASKS, type Ask, type GroupStatus, isOver, type NodeStatus } from "@msdha/group";
import { formatDuration } from "../render/duration.ts";
import { describeReinit, type ListedGroup } from "../render/list.ts";
import { plain } from "../render/plain.ts";
import { listStates, whyNoMaster } from "../render/why-no-master.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";

const LONG_MS = 24 * 3_600_000;
/** How many of the newest masters are looked at. */
const RECENT = 10;
/** So many masters that end unasked within so long are no single fault of a machine. */
const OFTEN = 3;
const OFTEN_MS = 3_600_000;
/** How the end of a master begins that an operator or its own setting asked for. */
const ASKED = /^(?:asked to stop|for as long as it may)/;

/** Checks a group: its master and nodes, their TTLs and versions, requests that were forgotten, and its history. */
export function checkGroup(status: ListedGroup, now: number): readonly Finding[] {
  if (status.nodes.length === 0)
    return [
      checkMaster(status, now),
      ...checkStrays(status),
      ...checkReinits(status, now),
      ...(status.terms.length === 0 ? [] : checkEnds(status)),
    ];
  return [
    checkMaster(status, now),
    checkReady(status, now),
    checkTtls(status),
    checkVersions(status),
    ...checkStrays(status),
    ...checkAsks(status, now),
    ...checkReinits(status, now),
    ...checkEnds(status),
    ...checkChanges(status, now),
    checkFrontends(status),
  ];
}

function checkMaster(status: ListedGroup, now: number): Finding {
  const { master } = status;
  if (master.kind === "master") return ok(`master: ${plain(master.name)}, token ${master.token}`);
  const reason = whyNoMaster(status, now);
  return failure(`no master: ${reason?.what}`, reason?.todo ?? "msdha list");
}

/** Without a master, nodes that are ready are no proof that one could take over. */
function checkReady({ nodes, master }: GroupStatus, now: number): Finding {
  const ready = nodes.filter(isFree).length;
  if (ready > 0)
    return ok(`nodes that ${master.kind === "master" ? "could take over" : "are ready"}: ${ready}`);
  const held = findHeldBack(nodes);
  if (held !== undefined)
    return warning(`no node could take over: ${held.what}`, `${held.todo}, when its work is done`);
  const what = master.kind === "master" ? "no node could take over from the master" : "no node is ready";
  const others = nodes.filter(({ isMaster }) => !isMaster);
  if (others.length === 0) return warning(what, "start a second node");
  return warning(`${what}: ${listStates(others, now)}`, "their logs say what they wait for");
}

function isFree({ state, hold }: NodeStatus): boolean {
  return state === "ready" && !hold;
}

/** Undefined unless holds alone keep every ready node from taking over. */
function findHeldBack(
  nodes: readonly NodeStatus[],
): { readonly what: string; readonly todo: string } | undefined {
  const held = nodes.filter(({ state, hold }) => state === "ready" && hold).map(({ name }) => plain(name));
  const [first] = held;
  if (first === undefined || nodes.some(isFree)) return undefined;
  return { what: `ready, but held back: ${held.join(", ")}`, todo: `msdha release ${first}` };
}

function checkTtls({ nodes }: GroupStatus): Finding {
  const ttls = new Set(nodes.flatMap(({ ttlSeconds }) => (ttlSeconds === undefined ? [] : [ttlSeconds])));
  const text = [...ttls].sort((a, b) => a - b).join(", ");
  if (ttls.size <= 1) return ok(`MSDHA_TTL of all nodes: ${text} s`);
  return warning(
    `nodes have different MSDHA_TTL: ${text} s`,
    "give all nodes one: each failover waits for the longest",
  );
}

function checkVersions({ nodes }: GroupStatus): Finding {
  const named = (those: readonly NodeStatus[]): string => those.map(({ name }) => plain(name)).join(", ");
  const old = nodes.filter(({ asks, run }) => asks < ASKS && run !== undefined);
  const oldest = old.filter(({ asks }) => asks === 0);
  if (oldest.length > 0)
    return warning(
      `nodes of an older version, which take no requests: ${named(oldest)}`,
      "update them: msdha asks nothing of a group that has any",
    );
  if (old.length > 0)
    return warning(
      `nodes of an older version, which do not take every request (promote): ${named(old)}`,
      "update them: msdha promote refuses to make one the master",
    );
  return ok("all nodes take requests (switchover, pause, restart, promote)");
}

function checkAsks({ pause, nodes, absentHolds = [] }: ListedGroup, now: number): readonly Finding[] {
  const holds = nodes.map(({ hold }: NodeStatus) => hold);
  const absent = absentHolds.filter((ask) => !isOver(ask, now));
  const asks = [pause, ...holds, ...absent].filter((ask) => ask !== undefined);
  if (asks.length === 0) return [ok("no pause, no hold")];
  return asks.map((ask) => checkAsk(ask, now));
}

function checkReinits({ nodes, reinits = [] }: ListedGroup, now: number): readonly Finding[] {
  return reinits.map((ask) => {
    const node = plain(ask.node ?? "");
    const what = `${node}: ${describeReinit(ask, { now })}`;
    const undo = `msdha reinit ${node} --cancel, if it should keep its data`;
    if (!nodes.some(({ name }) => name === ask.node))
      return warning(`${what}; the node is not here, and does that when it comes`, `start it, or ${undo}`);
    return now - ask.at > LONG_MS ? warning(what, `read the log of ${node}; ${undo}`) : ok(what);
  });
}

function checkStrays({ strays = [] }: ListedGroup): readonly Finding[] {
  return strays.map(({ name, state, key }) =>
    warning(
      `${plain(name)} (${plain(state, 30)}) is no node: its key has no lease, so no node wrote it; none of that name can start`,
      `delete it: etcdctl del ${plain(key, 1_000)}`,
    ),
  );
}

function checkAsk(ask: Ask, now: number): Finding {
  const { kind, node, by, at, until } = ask;
  const what = `${kind === "pause" ? "the group is paused" : `${plain(node ?? "")} is held back`} by ${plain(by)} for ${formatDuration(now - at)}`;
  const undo = kind === "pause" ? "msdha resume" : `msdha release ${plain(node ?? "")}`;
  if (isOver(ask, now))
    return warning(`${what}, and its time is over`, `${undo}, and compare the machines' clocks`);
  if (until === undefined && now - at > LONG_MS)
    return warning(`${what}, without an end`, `${undo}, if it was forgotten`);
  return ok(what);
}

function checkEnds({ terms, master }: GroupStatus): readonly Finding[] {
  const ended = terms
    .slice(0, RECENT)
    .filter(({ token }) => master.kind !== "master" || token !== master.token);
  const killed = ended.filter(({ end }) => end?.by === "next_run" && /without a trace/.test(end.why));
  const unknown = ended.filter(({ end }) => end === undefined);
  const losses = ended.concat(terms.slice(0, 1)).filter(({ losses: lost }) => lost !== undefined);
  const findings: Finding[] = [];
  for (const node of new Set(unknown.map((term) => plain(term.node))))
    findings.push(
      warning(
        `how the last time of ${node} as the master ended is not known: its node has not run again since`,
        `see why ${node} is gone, and start it: its next run completes the history`,
      ),
    );
  if (killed.length === 0 && unknown.length === 0) findings.push(ok("no earlier master was killed"));
  if (killed.length > 0)
    findings.push(
      warning(
        `of the last ${ended.length} masters ${killed.length} ended without a trace`,
        "if they were stopped, give the container longer than MSDHA_STOP_TIMEOUT: stop_grace_period, TimeoutStopSec",
      ),
    );
  if (losses.length > 0)
    findings.push(
      warning(
        `a promotion may have lost data: ${plain(losses[0]?.losses ?? "")}`,
        "compare the data; see msdha history",
      ),
    );
  return findings;
}

/** A group that moves from one node to the next looks well at every moment. */
function checkChanges({ terms }: GroupStatus, now: number): readonly Finding[] {
  const lately = terms.filter(({ end, beganAt }, index) => {
    if (!end || ASKED.test(end.why)) return false;
    return now - (end.at ?? terms[index - 1]?.beganAt ?? beganAt) < OFTEN_MS;
  });
  if (lately.length < OFTEN) return [];
  const [last] = lately;
  return [
    warning(
      `${lately.length} masters have ended unasked within an hour, the last one, ${plain(last?.node ?? "")}: ${plain(last?.end?.why ?? "")}`,
      "msdha history says why each ended: mend that before the next change",
    ),
  ];
}

function checkFrontends({ frontends }: GroupStatus): Finding {
  if (frontends.length > 0) return ok(`registered frontends: ${frontends.length}`);
  return warning(
    "no frontend has registered",
    "where there is one: give its user readwrite on _frontend/ (docs/etcd-keys.md)",
  );
}
