import { type EtcdApi, isEtcdError } from "@msdha/etcd-client";
import type { GroupKeys } from "@msdha/group";
import { type Finding, ok, warning } from "./finding.ts";

/** What this user of etcd may do. */
export interface RightsFacts {
  /** The user's name; undefined: none is given. */
  readonly user: string | undefined;
  readonly mayAsk: boolean | undefined;
  /** Whether it may write the lock, as nodes do. These two are undefined while etcd takes no writes from anybody. */
  readonly mayWrite: boolean | undefined;
  /** Whether it may read the keys of other groups. */
  readonly readsOthers: boolean | undefined;
}

const CALL_MS = 3_000;

/** Finds out what the user may do, and changes nothing: etcd looks at what a transaction would write in any case. */
export async function findRights(
  etcd: EtcdApi,
  keys: GroupKeys,
  user: string | undefined,
): Promise<RightsFacts> {
  const mayPut = (key: string): Promise<boolean | undefined> =>
    isAllowed(() =>
      etcd.txn(
        {
          // No key has a create revision below 0.
          compare: [{ key: keys.lock, target: "create", is: "<", value: 0 }],
          success: [{ type: "put", key, value: "" }],
          failure: [],
        },
        { timeoutMs: CALL_MS },
      ),
    );
  const [mayAsk, mayWrite, readsOthers] = await Promise.all([
    mayPut(keys.ask("pause")),
    mayPut(keys.handover),
    isAllowed(() =>
      etcd.range({ key: "/msdha/", prefix: true, keysOnly: true, limit: 1 }, { timeoutMs: CALL_MS }),
    ),
  ]);
  return { user, mayAsk, mayWrite, readsOthers };
}

/** Checks that a user has the rights it needs, and no more. */
export function checkRights({ user, mayAsk, mayWrite, readsOthers }: RightsFacts): readonly Finding[] {
  if (user === undefined) {
    return [
      warning(
        "etcd asks for no user: every client that reaches it can write everything",
        "docs/etcd-keys.md has roles",
      ),
    ];
  }
  const findings: Finding[] = [];
  if (mayAsk === undefined || mayWrite === undefined)
    findings.push(
      warning(
        `what user ${user} may write can't be found out: etcd takes no writes`,
        "look again when it does",
      ),
    );
  if (mayAsk === true) findings.push(ok(`user ${user} may make requests`));
  if (mayAsk === false && mayWrite === true)
    findings.push(
      warning(`user ${user} may not make requests`, "give it readwrite on _ask/, if msdha is to use it"),
    );
  if (mayAsk === false && mayWrite !== true)
    findings.push(
      ok(`user ${user} may only look: it is a viewer, which needs readwrite on _ask/ to operate the group`),
    );
  if (mayWrite === true) findings.push(ok(`user ${user} may write the group's keys, as nodes must`));
  if (mayWrite === false) findings.push(ok(`user ${user} may not write the group's other keys`));
  if (readsOthers === true)
    findings.push(
      warning(
        `user ${user} may read other groups`,
        "give it a role with /msdha/GROUP/ and the slash at its end",
      ),
    );
  if (readsOthers === false) findings.push(ok(`user ${user} may not read other groups`));
  return findings;
}

/** Whether etcd does it; undefined: it refuses for another reason than the user, such as a full database. */
async function isAllowed(act: () => Promise<unknown>): Promise<boolean | undefined> {
  try {
    await act();
    return true;
  } catch (error) {
    if (isEtcdError(error, "ERR_ETCD_AUTH")) return false;
    if (isEtcdError(error, "ERR_ETCD_REQUEST") || isEtcdError(error, "ERR_ETCD_NO_SPACE")) return undefined;
    throw error;
  }
}
