// Within a mount namespace whose /proc/uptime is the file in the first argument: lets that file say what it likes, as
// another program does that serves it, and prints how far the clock was moved by each of its leaps, in ms.
import { rmSync, writeFileSync } from "node:fs";
import { uptime } from "node:os";
import { systemClock } from "../src/index.ts";

const file = process.argv[2] ?? "";
const monotonic = (): number => performance.now();
const leaps: number[] = [];
systemClock.onLeap(({ ms }) => leaps.push(ms));

function movedBy(change: () => void): number {
  const before = systemClock.now() - monotonic();
  change();
  systemClock.now();
  return systemClock.now() - monotonic() - before;
}

const age = uptime();
const moved = [
  movedBy(() => writeFileSync(file, `${age + 5} 1.00\n`)),
  movedBy(() => writeFileSync(file, `${age + 86_400} 1.00\n`)),
  movedBy(() => writeFileSync(file, "1.00 1.00\n")),
  movedBy(() => writeFileSync(file, "")), // cut off: Node takes the kernel's own word then
  movedBy(() => rmSync(file)),
];
process.stdout.write(JSON.stringify({ moved, leaps: leaps.length }));
