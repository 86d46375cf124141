import { mutations } from "../mutations/all-mutations.ts";
import { type Batch, runSeeds } from "../run-seeds.ts";
import type { Result } from "../simulate.ts";

/** Says for each rule which seed is the first to notice that it is switched off. */
export async function findMutations(batch: Batch): Promise<number> {
  const wanted = batch.mutation === undefined ? Object.keys(mutations) : [batch.mutation];
  let missed = 0;
  for (const mutation of wanted) {
    const found = await findFirst({ ...batch, mutation });
    if (!found) missed += 1;
    const how = found
      ? `seed ${found.seed} (${found.violation?.invariant})`
      : `not found in ${batch.count} seeds`;
    process.stdout.write(`${mutation.padEnd(22)} ${how.padEnd(32)} ${mutations[mutation]?.rule}\n`);
  }
  return missed === 0 ? 0 : 1;
}

async function findFirst(batch: Batch): Promise<Result | undefined> {
  let first: Result | undefined;
  await runSeeds(batch, (results) => {
    for (const result of results) {
      if (result.violation && (!first || result.seed < first.seed)) first = result;
    }
    return first !== undefined;
  });
  return first;
}
