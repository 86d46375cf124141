import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { bootTime } from "../../support/boot-time.ts";
import type { Random } from "../random.ts";
import { runCommand } from "../run-command.ts";
import { isReady } from "../until-master.ts";
import { type Fault, pickNode } from "./fault.ts";
import { killAll } from "./processes.ts";

/** Root without CAP_KILL is refused like wrong settings. */
const REFUSED = 78;
const UPTIME = "/proc/uptime";
const SERVE_MS = 10;
/** How far an uptime leaps, in seconds: by less than a lease and by more than one. */
const LEAPS = [-86_400, -30, -2, -0.5, 0.5, 1, 2, 5, 30, 86_400, 1e6];

/** What a machine may be set up like, and what it may do to the time. */
export const machineFaults: readonly Fault[] = [
  {
    name: "start a node again as root without CAP_KILL, its program another user's",
    weight: 2,
    begin(context) {
      const { world, random, ttlMs, allowExit, problem } = context;
      const node = pickNode(context);
      const endAllowed = allowExit(REFUSED, [node.name]);
      node.allowKill(false);
      const before = node.startedAt;
      if (random.chance(0.5)) node.askToStop();
      else killAll(() => node.processes());
      return {
        target: node.name,
        lastsMs: random.between(ttlMs, 4 * ttlMs),
        end() {
          if (node.startedAt > before && isReady(node, world.observer.history)) {
            problem(`${node.name} joined the group as root without CAP_KILL`);
          }
          node.allowKill(true);
          endAllowed();
        },
      };
    },
  },
  {
    name: "have another program serve a node's /proc/uptime",
    weight: 2,
    async begin(context) {
      const { random, ttlMs } = context;
      const node = pickNode(context);
      const { supervisor } = node.sorted();
      if (!supervisor) return undefined;
      const served = serveUptime(join(node.hooksDir, "..", "uptime"), random);
      const inside = ["--mount", `--target=${supervisor.pid}`, "--"];
      try {
        await runCommand("nsenter", [...inside, "mount", "--bind", served.file, UPTIME]);
      } catch (error) {
        served[Symbol.dispose]();
        throw error;
      }
      return {
        target: `${node.name}, ${served.how}`,
        lastsMs: random.between(ttlMs, 4 * ttlMs),
        async end() {
          served[Symbol.dispose]();
          // Where the node has ended meanwhile, its mounts are gone with it.
          await runCommand("nsenter", [...inside, "umount", UPTIME]).catch(() => {});
        },
      };
    },
  },
];

interface ServedUptime extends Disposable {
  readonly file: string;
  readonly how: string;
}

/** Writes an uptime to a file that is wrong in one way or another. */
function serveUptime(file: string, random: Random): ServedUptime {
  const how = random.pick(["that leaps", "that leaps", "that stands still", "that is no number"]);
  const fd = openSync(file, "w");
  let ahead = 0;
  // Over what is there: a file that is empty for a moment would be something else.
  const write = (text: string): void => void writeSync(fd, text, 0);
  const writeTime = (): void =>
    write(
      `${Math.max(0, bootTime() / 1000 + ahead)
        .toFixed(2)
        .padStart(14, "0")} 1.00\n`,
    );
  if (how === "that is no number") write("no uptime here\n");
  else writeTime();
  const serving = how === "that leaps" && setInterval(writeTime, SERVE_MS);
  const leaping =
    serving &&
    setInterval(
      () => {
        ahead = random.pick([0, ...LEAPS]);
      },
      random.whole(200, 3_000),
    );
  return {
    file,
    how,
    [Symbol.dispose]() {
      if (serving) clearInterval(serving);
      if (leaping) clearInterval(leaping);
      closeSync(fd);
    },
  };
}
