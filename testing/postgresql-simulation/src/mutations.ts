import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { ALL_RULES, type SyncRules, type WorldRules } from "./rules.ts";

/** One rule of docs/postgresql-sync.md that is switched off: in the code, by a change of its text, or in the world. */
export type Mutation =
  | { readonly file: string; readonly from: string; readonly to: string }
  | { readonly rule: keyof WorldRules };

const JOIN = "    await put(needed, standbys);\n    await server.waitFor(needed, standbys);\n";
const LEAVE = "    await server.waitFor(needed, staying);\n";
const AGAIN =
  "if (await server.enoughHave(await server.flushed(), needed, standbys)) await countOn(needed, standbys);";

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  joinsServerFirst: {
    file: "synchronous-master.ts",
    from: JOIN,
    to: "    await server.waitFor(needed, standbys);\n    await put(needed, standbys);\n",
  },
  leavesRecordFirst: {
    file: "synchronous-master.ts",
    from: LEAVE,
    to: `    await put(needed, staying);\n${LEAVE}`,
  },
  leavesWithoutEndingConnections: {
    file: "synchronous-master.ts",
    from: "    await server.disconnect(gone);\n",
    to: "",
  },
  leavesWithoutAnotherThatHasAll: {
    file: "synchronous-master.ts",
    from: "    await requireEnough(needed, staying);\n",
    to: "",
  },
  waitsAgainWithoutCheckpoint: {
    file: "synchronous-master.ts",
    from: "    await server.checkpoint();\n",
    to: "",
  },
  waitsAgainWithoutOneThatHasAll: {
    file: "synchronous-master.ts",
    from: AGAIN,
    to: "if (standbys.length > 0) await countOn(needed, standbys);",
  },
  waitsAgainWithSomeOfThem: {
    file: "synchronous-master.ts",
    from: AGAIN,
    to: "if (await server.enoughHave(await server.flushed(), needed, standbys)) await put(needed, standbys.slice(0, needed));",
  },
  beginsAgainWithoutWriting: {
    file: "synchronous-master.ts",
    from: "    await store.write(found);\n",
    to: "",
  },
  strictAcknowledgesAlone: {
    file: "sync-plan.ts",
    from: 'if (mode === "strict" || missingMs < patienceMs)',
    to: "if (missingMs < patienceMs)",
  },
  asksNobody: {
    file: "quorum.ts",
    from: "  return { others: standbys.filter((standby) => standby !== member), enough };",
    to: "  return { others: [], enough: 0 };",
  },
  asksOneTooFew: {
    file: "quorum.ts",
    from: "Math.max(standbys.length - needed, 0);",
    to: "Math.max(standbys.length - needed - 1, 0);",
  },
  waitsForMoreWithoutAMomentOfNobody: {
    file: "synchronous-master.ts",
    from: "    await server.waitFor(1, []);\n    await server.nobodyCounts();\n",
    to: "",
  },
  waitsForMoreBeforeAllCount: {
    file: "synchronous-master.ts",
    from: "    await server.nobodyCounts();\n",
    to: "",
  },
  waitsForMoreWithoutEnough: {
    file: "synchronous-master.ts",
    from: "    await requireEnough(needed, standbys);\n",
    to: "",
  },
  promotesBeforeEnoughAnswer: {
    file: "enough-of.ts",
    from: "    if (enough === 0) resolve();",
    to: "    resolve();",
  },
  promotesWhoWasNotInSync: {
    file: "quorum.ts",
    from: "if (!standbys.includes(member))",
    to: "if (!standbys.includes(member) && member === master)",
  },
  promotesWhoHasLess: {
    file: "quorum.ts",
    from: "if (compared < 0) return",
    to: "if (compared < -Infinity) return",
  },
  countsOnWhoHasLess: {
    file: "quorum.ts",
    from: "if (compared === 0) asFar.push(standby);",
    to: "asFar.push(standby);",
  },
  asksUnderALivingMaster: {
    file: "candidacy.ts",
    from: "  await requireOver(server, record);\n",
    to: "",
  },
  recallsUnderAnotherRecord: {
    file: "candidacy.ts",
    from: "return noted && lineOf(await store.read()) === noted.record ? noted : undefined;",
    to: "return noted;",
  },
  promotesBeforeTheRecord: {
    file: "promotion.ts",
    from: "  await store.write(record);\n  await server.promote(needed, standbys);\n",
    to: "  await server.promote(needed, standbys);\n  await store.write(record);\n",
  },
  writesWithoutToken: { rule: "compareToken" },
  writesWithoutRevision: { rule: "compareRevision" },
  countsForeignStreams: { rule: "onlyMembers" },
  startsWithoutAList: { rule: "startsWithNobody" },
  countsWhoStillFollows: { rule: "countsFreeOnly" },
  countsAConnectionTwice: { rule: "oneConnectionPerSlot" },
  keepsTheMarkOfRewoundData: { rule: "rewoundHasNoMark" },
};

const SOURCES = fileURLToPath(new URL("../../../packages/postgresql/src", import.meta.url));

/** Loads the code with a mutation in it. Throws where the text to change is not there exactly once. */
export async function loadMutated(mutation: Mutation): Promise<{ code: SyncRules; rules: WorldRules }> {
  const dir = mkdtempSync(join(tmpdir(), "msdha-mutation-"));
  try {
    cpSync(SOURCES, dir, { recursive: true, filter: (path) => !path.endsWith(".test.ts") });
    writeFileSync(join(dir, "package.json"), '{ "type": "module" }');
    if ("file" in mutation) {
      const text = readFileSync(join(dir, mutation.file), "utf8");
      if (text.split(mutation.from).length !== 2) {
        throw new Error(`${mutation.file}: expected this once: ${mutation.from}`);
      }
      writeFileSync(join(dir, mutation.file), text.replace(mutation.from, mutation.to));
    }
    const load = async (file: string): Promise<SyncRules> =>
      (await import(/* @vite-ignore */ pathToFileURL(join(dir, file)).href)) as SyncRules;
    const { askCandidate } = await load("candidacy.ts");
    const { promoteInSync } = await load("promotion.ts");
    const { createSynchronousMaster } = await load("synchronous-master.ts");
    const { enoughOf } = await load("enough-of.ts");
    const rules = "rule" in mutation ? { ...ALL_RULES, [mutation.rule]: false } : ALL_RULES;
    return { code: { askCandidate, promoteInSync, createSynchronousMaster, enoughOf }, rules };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
