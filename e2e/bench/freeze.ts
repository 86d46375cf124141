// Measures what is left of a master whose supervisor is hurt, and for how long, with PostgreSQL and a session that
// commits: freeze.ts [--runs N] [--ttl S] [--fault freeze|block|kill|killGuards|leadersDisk|freezeAll|killSupervision]. With
// leadersDisk it is the disk of the etcd leader that the supervisor talks to. The last two leave something alive, which
// is not promised to end. Needs root, PostgreSQL and a build.
import { parseArgs } from "node:util";
import { faults } from "../src/guard-freeze/faults.ts";
import { type FailoverFigures, startPostgresqlPair } from "../src/guard-freeze/pair.ts";
import { freezeLeadersDisk } from "../src/guard-freeze/slow-leader.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "50" },
    ttl: { type: "string", default: "3" },
    fault: { type: "string", default: "freeze" },
  },
});
const LEADERS_DISK = "leadersDisk";
const fault = Object.entries(faults).find(([name]) => name === values.fault)?.[1];
if (!fault && values.fault !== LEADERS_DISK) {
  throw new TypeError(
    `expected one of ${[...Object.keys(faults), LEADERS_DISK].join(", ")}, got ${values.fault}`,
  );
}

const all: FailoverFigures[] = [];
const ttlSeconds = Number(values.ttl);
{
  await using pair = fault && (await startPostgresqlPair({ ttlSeconds }));
  for (let run = 1; run <= Number(values.runs); run++) {
    const figures = fault && pair ? await pair.failOver(fault) : await freezeLeadersDisk({ ttlSeconds });
    all.push(figures);
    process.stderr.write(`run ${run}: ${JSON.stringify(figures)}\n`);
  }
}
const promised = !["freezeAll", "killSupervision"].includes(values.fault);
const left = all.filter(({ alive }) => alive.length > 0).length;
process.stdout.write(`${values.fault}, TTL ${values.ttl} s, ${all.length} runs\n`);
process.stdout.write(`something alive when the next master hook looked: ${left} runs\n`);
for (const [what, key] of [
  ["alive after the fault", "aliveMs"],
  ["gone before the next master hook", "marginMs"],
  ["last commit after the fault", "committedMs"],
  ["alive after the fault was undone", "afterUndoMs"],
] as const) {
  const measured = all.map((figures) => Math.round(figures[key])).filter((ms) => !Number.isNaN(ms));
  const sorted = measured.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  const told = sorted.length === 0 ? "never" : `median ${median} ms (${sorted[0]} to ${sorted.at(-1)})`;
  process.stdout.write(`${what}: ${told}\n`);
}
const late = all.filter(({ committedAfterUndo }) => committedAfterUndo).length;
process.stdout.write(`commits confirmed after the fault was undone: in ${late} runs\n`);
process.exit(left > 0 && promised ? 1 : 0);
