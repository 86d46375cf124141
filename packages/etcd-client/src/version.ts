/** The first release of each line in which etcd's known faults that matter here are mended. */
const MENDED: Readonly<Record<string, number>> = { "3.4": 42, "3.5": 28, "3.6": 9 };

/** The oldest releases without the faults that `describeOldVersion` names, for messages and docs. */
export const minimumVersions = "3.4.42, 3.5.28 or 3.6.9";

/**
 * Returns what is wrong with a version of etcd, in one sentence; undefined if nothing is, or the version is unknown.
 * Before these releases nested transactions pass by roles (CVE-2026-33343), and a linearizable read can be stale after a
 * pause or a change of the leader (etcd issues 20418, 21375).
 */
export function describeOldVersion(version: string | undefined): string | undefined {
  const [, major = "", minor = "", patch = ""] = /^(\d+)\.(\d+)\.(\d+)/.exec(version ?? "") ?? [];
  if (patch === "") return undefined;
  const line = `${major}.${minor}`;
  const isOld = Number(major) < 3 || (Number(major) === 3 && Number(minor) < 4);
  const mended = MENDED[line];
  if (!isOld && (mended === undefined || Number(patch) >= mended)) return undefined;
  return (
    `etcd ${version} has known faults: roles do not hold (CVE-2026-33343), and reads can be stale; ` +
    `expected ${minimumVersions}, or newer`
  );
}
