import { describeOldVersion } from "@msdha/etcd-client";
import { plain } from "../render/plain.ts";
import type { ClockFacts } from "./check-clock.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";

/** What is known of one endpoint of etcd, asked by itself. */
export interface EndpointFacts {
  readonly endpoint: string;
  /** Why it did not answer. */
  readonly error?: string | undefined;
  readonly version?: string | undefined;
  /** How long a linearizable read took, in ms. */
  readonly readMs?: number | undefined;
  /** What its health page says of an alarm. */
  readonly alarm?: string | undefined;
  readonly bytes?: number | undefined;
  readonly quotaBytes?: number | undefined;
  /** The present revision, and up to which one etcd has compacted; -1: never. */
  readonly revision?: number | undefined;
  readonly compactedTo?: number | undefined;
  /** This machine's clock against the member's. */
  readonly clock?: ClockFacts | undefined;
  /** When its certificate ends, in ms since 1970. */
  readonly certificateEnd?: number | undefined;
}

const SOON_MS = 30 * 86_400_000;
const NEARLY_FULL = 0.8;

/** Checks each endpoint by itself, and how many there are. */
export function checkEtcd(
  facts: readonly EndpointFacts[],
  { ttlSeconds, now }: { readonly ttlSeconds: number; readonly now: number },
): readonly Finding[] {
  return [checkCount(facts), ...facts.flatMap((each) => checkEndpoint(each, { ttlSeconds, now }))];
}

function checkCount(facts: readonly EndpointFacts[]): Finding {
  const names = facts.length;
  if (names >= 3 && names % 2 === 1) return ok(`endpoints of etcd: ${names}`);
  const what = `endpoints of etcd: ${names}`;
  return warning(
    what,
    "list three or five members in ETCDCTL_ENDPOINTS, unless one name stands for all of them",
  );
}

function checkEndpoint(
  facts: EndpointFacts,
  { ttlSeconds, now }: { readonly ttlSeconds: number; readonly now: number },
): readonly Finding[] {
  const { endpoint, error } = facts;
  if (error !== undefined) return [checkError(endpoint, error)];
  return [
    checkVersion(facts),
    checkLatency(facts, ttlSeconds),
    ...checkSpace(facts),
    ...checkCompaction(facts),
    ...checkCertificate(facts, now),
  ];
}

/** A member that says itself that it has no leader is well: too many of the others are not. */
function checkError(endpoint: string, error: string): Finding {
  if (/no leader/.test(error)) {
    return failure(
      `etcd ${endpoint} runs, and has no leader: it reaches no majority of etcd's members`,
      "start the other members, or mend the network between them: until then no node can be the master",
    );
  }
  const todo = "see whether it runs and can be reached from here";
  return failure(`etcd ${endpoint} does not answer: ${plain(error)}`, todo);
}

function checkVersion({ endpoint, version }: EndpointFacts): Finding {
  const why = describeOldVersion(version);
  if (why !== undefined) return warning(`etcd ${endpoint}: ${why}`, "update it");
  return ok(`etcd ${endpoint}: version ${plain(version ?? "not shown to this user")}`);
}

function checkLatency({ endpoint, readMs = 0 }: EndpointFacts, ttlSeconds: number): Finding {
  const limitMs = (ttlSeconds * 1_000) / 3;
  const what = `etcd ${endpoint}: a read by quorum takes ${Math.round(readMs)} ms, a third of the TTL is ${Math.round(limitMs)} ms`;
  if (readMs < limitMs / 4) return ok(what);
  return (readMs < limitMs ? warning : failure)(
    what,
    "make etcd's disk and network faster, or MSDHA_TTL longer",
  );
}

function checkSpace({ endpoint, alarm, bytes, quotaBytes }: EndpointFacts): readonly Finding[] {
  if (alarm !== undefined)
    return [
      failure(
        `etcd ${endpoint}: ${plain(alarm)}`,
        "see etcdctl alarm list; if it is full: compact, defragment, then etcdctl alarm disarm",
      ),
    ];
  if (bytes === undefined || quotaBytes === undefined || quotaBytes === 0) return [];
  const share = bytes / quotaBytes;
  const what = `etcd ${endpoint}: ${Math.round(bytes / 1e6)} MB of ${Math.round(quotaBytes / 1e6)} MB are used`;
  if (share < NEARLY_FULL) return [ok(what)];
  return [
    warning(what, "compact and defragment; set --auto-compaction-retention: a full etcd takes no writes"),
  ];
}

/** Groups write some revisions a second, so an etcd that compacts by itself keeps far fewer than these. */
const MANY_REVISIONS = 1_000_000;
/** A younger etcd may compact yet. */
const YOUNG_REVISIONS = 20_000;

function checkCompaction({ endpoint, revision, compactedTo }: EndpointFacts): readonly Finding[] {
  if (revision === undefined || compactedTo === undefined) return [];
  const never = compactedTo <= 0;
  const kept = revision - Math.max(compactedTo, 0);
  const what = `etcd ${endpoint}: ${kept} revisions are kept${never ? ", and none was ever compacted" : ""}`;
  if (kept <= (never ? YOUNG_REVISIONS : MANY_REVISIONS)) return [ok(what)];
  return [
    warning(what, "set --auto-compaction-retention=1h: every change takes space until it is compacted"),
  ];
}

function checkCertificate({ endpoint, certificateEnd }: EndpointFacts, now: number): readonly Finding[] {
  if (certificateEnd === undefined) return [];
  const days = Math.floor((certificateEnd - now) / 86_400_000);
  if (certificateEnd - now > SOON_MS)
    return [ok(`etcd ${endpoint}: its certificate lasts ${days} days more`)];
  if (days >= 0) return [warning(`etcd ${endpoint}: its certificate ends in ${days} days`, "renew it")];
  return [failure(`etcd ${endpoint}: its certificate has ended`, "renew it")];
}
