// Measures what is left of a master whose supervisor is hurt, and for how long, with PostgreSQL and a session that
// commits: freeze.ts [--runs N] [--ttl S] [--fault freeze|kill]. Needs root, PostgreSQL and a build.
import { parseArgs } from "node:util";
import { type FailoverFigures, type Fault, startPostgresqlPair } from "../src/guard-freeze/pair.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "50" },
    ttl: { type: "string", default: "3" },
    fault: { type: "string", default: "freeze" },
  },
});
const faults: Readonly<Record<string, Fault>> = {
  freeze(master) {
    master.child.freeze();
    return () => master.child.thaw();
  },
  async kill(master) {
    await master.child.kill();
    return () => {};
  },
};
const fault = faults[values.fault];
if (!fault) throw new TypeError(`expected one of ${Object.keys(faults).join(", ")}, got ${values.fault}`);

const all: FailoverFigures[] = [];
{
  await using pair = await startPostgresqlPair({ ttlSeconds: Number(values.ttl) });
  for (let run = 1; run <= Number(values.runs); run++) {
    const figures = await pair.failOver(fault);
    all.push(figures);
    process.stderr.write(`run ${run}: ${JSON.stringify(figures)}\n`);
  }
}
const left = all.filter(({ alive }) => alive.length > 0).length;
process.stdout.write(`${values.fault} of the supervisor, TTL ${values.ttl} s, ${all.length} runs\n`);
process.stdout.write(`something alive when the next master hook looked: ${left} runs\n`);
for (const [what, key] of [
  ["alive after the fault", "aliveMs"],
  ["gone before the next master hook", "marginMs"],
  ["last commit after the fault", "committedMs"],
] as const) {
  const sorted = all.map((figures) => Math.round(figures[key])).toSorted((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)];
  process.stdout.write(`${what}: median ${median} ms (${sorted[0]} to ${sorted.at(-1)})\n`);
}
process.exit(left > 0 ? 1 : 0);
