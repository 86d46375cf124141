import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type EtcdMember, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askName, openGroup, startFrontend, startNamedServer } from "./support.ts";

const nobody = "65534";
const asNobody = ["--reuid", nobody, "--regid", nobody, "--clear-groups"];
/** Needs root, and a checkout that another user may enter. */
const possible =
  process.getuid?.() === 0 &&
  spawnSync("setpriv", [...asNobody, "test", "-r", fileURLToPath(import.meta.url)]).status === 0;

let etcd: EtcdMember;
beforeAll(async () => {
  etcd = await startEtcd();
});
afterAll(() => etcd[Symbol.asyncDispose]());

describe.runIf(possible)("a frontend without rights", () => {
  it("runs as an unprivileged user where nothing but its run folder can be written to", async () => {
    await using group = openGroup(etcd, "confined");
    await using folder = tempDir();
    const runDir = join(folder.path, "run");
    chmodSync(folder.path, 0o755);
    mkdirSync(runDir);
    const confine = `set -e
      mount --make-rprivate /
      mount -t tmpfs -o mode=0700,uid=${nobody},gid=${nobody} tmpfs ${runDir}
      for place in / /tmp /dev/shm /run /var/tmp; do
        if mountpoint -q $place; then mount -o remount,bind,ro $place; fi
      done
      exec setpriv ${asNobody.join(" ")} --no-new-privs --bounding-set=-all "$@"`;
    await using frontend = await startFrontend(etcd.endpoint, group.name, {
      env: { MSDHA_RUN_DIR: runDir },
      under: ["unshare", "--mount", "sh", "-c", confine, "sh"],
    });
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    const name = waitFor(() => askName(frontend.port), { what: "an answer" });
    await expect(name.catch(() => frontend.log())).resolves.toBe("a");
    const status = readFileSync(`/proc/${frontend.child.pid}/status`, "utf8");
    expect(status).toMatch(new RegExp(`^Uid:\\s+${nobody}\\s+${nobody}\\s`, "m"));
  });
});
