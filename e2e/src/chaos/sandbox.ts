import { spawn } from "node:child_process";
import { childrenOf } from "../support/children-of.ts";

const INSIDE = "MSDHA_CHAOS_SANDBOX";

/**
 * Bash as the first process reaps what nobody else does; `/run` is the sandbox's own, so that the names of network
 * namespaces are too, and so is `/dev/shm`: libfaketime leaves files there, named by process ids of the sandbox. Where
 * the kernel shares processors between sessions, this one gets more than others: it is little that it needs, but in time.
 */
const INIT = `mount -t tmpfs none /run && mkdir /run/netns && mount -t tmpfs none /dev/shm && ip link set lo up || exit 2
{ echo -10 >/proc/self/autogroup; } 2>/dev/null
trap : INT
"$@" & child=$!
trap 'kill -TERM $child' TERM HUP
while :; do wait $child; code=$?; kill -0 $child 2>/dev/null || exit $code; done`;

const ENTER = [
  ...["setpriv", "--pdeathsig", "KILL", "--"],
  ...["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"],
  ...["bash", "-c", INIT, "chaos"],
] as const;

export const isInSandbox: boolean = process.env[INSIDE] === "yes";

/**
 * Runs this very program again in network, mount and process namespaces of its own: whatever it makes in them is gone
 * with it, however it ends, and nobody else sees it. Resolves with its exit code. Needs root.
 */
export function runInSandbox(): Promise<number> {
  const [file, ...args] = ENTER;
  const child = spawn(file, [...args, process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: "inherit",
    detached: true,
    env: { ...process.env, [INSIDE]: "yes" },
  });
  // It is a session of its own, which a Ctrl-C does not reach, and unshare passes no signals on.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      for (const pid of childrenOf(child.pid ?? Number.NaN)) process.kill(pid, "SIGTERM");
    });
  }
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 2));
  });
}
