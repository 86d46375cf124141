import { plain } from "../render/plain.ts";
import type { ComposeService } from "./compose-service.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";

const DEFAULT_RUN_DIR = "/run/msdha";

/** Checks that a node's run folder can be written to, and that what a run has left is there for the next one. */
export function checkRunFolder(name: string, service: ComposeService): readonly Finding[] {
  const { volumes, tmpfs, read_only: isReadOnly } = service;
  const dir = runDirOf(service);
  const volume = volumes.find(({ target }) => target !== undefined && isWithin(dir, target));
  const inMemory = tmpfs.map((mount) => mount.split(":")[0] ?? "").some((mount) => isWithin(dir, mount));
  if (inMemory || volume?.type === "tmpfs") {
    return [
      warning(
        `${name}: its run folder ${plain(dir)} is on a tmpfs`,
        "keep it in the container, or on a volume: the next run reads there how the last one ended",
      ),
    ];
  }
  if (isReadOnly && !volume) {
    return [
      failure(
        `${name}: its file system is read-only, and its run folder ${plain(dir)} is on it`,
        "mount a volume there",
      ),
    ];
  }
  return [ok(`${name}: its run folder ${plain(dir)} outlives a restart`)];
}

/** Checks that no two services have one run folder: the second one would not start. */
export function checkSharedFolders(
  services: readonly (readonly [string, ComposeService])[],
): readonly Finding[] {
  const users = new Map<string, string[]>();
  for (const [name, service] of services) {
    const dir = runDirOf(service);
    for (const { source, target } of service.volumes) {
      if (source === undefined || target === undefined || !isWithin(dir, target)) continue;
      const place = source + dir.slice(target.length);
      users.set(place, [...(users.get(place) ?? []), name]);
    }
  }
  return [...users.values()]
    .filter((names) => names.length > 1)
    .map((names) =>
      failure(
        `${names.map((name) => plain(name)).join(" and ")} have one run folder`,
        "give each a folder of its own: MSDHA_RUN_DIR, or another volume",
      ),
    );
}

function runDirOf({ environment }: ComposeService): string {
  return environment["MSDHA_RUN_DIR"] || DEFAULT_RUN_DIR;
}

function isWithin(path: string, folder: string): boolean {
  const base = folder.replace(/\/+$/, "");
  return path === base || path.startsWith(`${base}/`);
}
