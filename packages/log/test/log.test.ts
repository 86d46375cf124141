import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createLog, type LogOptions } from "../src/index.ts";

async function logged(
  options: LogOptions,
  write: (log: ReturnType<typeof createLog>["log"]) => void,
): Promise<readonly string[]> {
  const dir = mkdtempSync(join(tmpdir(), "log-"));
  const file = join(dir, "log");
  const fd = openSync(file, "w");
  const { log, flush } = createLog({ ...options, fd });
  write(log);
  await flush();
  closeSync(fd);
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  rmSync(dir, { recursive: true });
  return lines;
}

test("writes one readable line each, with an error's message and the fields", async () => {
  const [line] = await logged({}, (log) =>
    log.warn({ err: new Error("no route"), node: "a b", port: 80 }, "can't connect"),
  );
  expect(line).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z WARN {2}can't connect: no route node="a b" port=80$/);
});

test("lets no text from elsewhere begin a line or colour the terminal", async () => {
  const lines = await logged({}, (log) => log.info({ name: "x\n\u001b[31m" }, "one\ntwo\u001b[2J"));
  expect(lines).toHaveLength(1);
  expect(lines[0]).not.toContain("\u001b");
});

test("writes JSON where that is wanted, and keeps to its level", async () => {
  const lines = await logged({ format: "json", level: "warn" }, (log) => {
    log.info("left out");
    log.error({ node: "a" }, "told");
  });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    expect.objectContaining({ msg: "told", node: "a" }),
  ]);
});

test.each(["text", "json"] as const)(
  "makes one harmless line of each of 10,000 entries, as %s",
  async (format) => {
    const entry = fc.record({ message: fc.string({ unit: "binary" }), name: fc.string({ unit: "binary" }) });
    // As many at a time as surely fit what may wait for the reader.
    for (let part = 0; part < 10; part++) {
      const entries = fc.sample(entry, 1_000);
      const lines = await logged({ format }, (log) => {
        for (const { message, name } of entries) log.info({ name, err: new Error(message) }, message);
      });
      expect(lines).toHaveLength(entries.length);
      expect(lines.join("")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      if (format === "text") continue;
      const names = lines.map((line) => (JSON.parse(line) as { name: string }).name.length);
      expect(names).toEqual(entries.map(({ name }) => name.length));
    }
  },
);

test("keeps the order of the last lines, however busy the process is when it ends", async () => {
  for (let round = 0; round < 20; round++) {
    const lines = await logged({ format: "json" }, (log) => {
      for (let line = 0; line < 3; line++) log.info({ line }, "one of the last");
    });
    expect(lines.map((line) => (JSON.parse(line) as { line: number }).line)).toEqual([0, 1, 2]);
  }
});

// In a process of its own: one that blocks its event loop can't be looked at from inside.
test.each([
  ["a full disk", 'openSync("/dev/full", "w")'],
  ["a descriptor that is not open", "999"],
])("ends with its process where the log is %s", (_, fd) => {
  const program = `
    import { openSync } from "node:fs";
    import { createLog } from ${JSON.stringify(fileURLToPath(new URL("../src/index.ts", import.meta.url)))};
    const { log, flush } = createLog({ fd: ${fd} });
    for (let line = 0; line < 3; line++) log.info({ line }, "lost");
    await flush();
    console.log("flushed");`;
  const args = ["--conditions=@msdha/source", "--input-type=module", "--eval", program];
  const { stdout, signal } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 30_000 });
  expect({ stdout, signal }).toEqual({ stdout: "flushed\n", signal: null });
});

test("writes a field's name in one line, whatever it is", async () => {
  const lines = await logged({}, (log) => log.info({ "a\nb": 1 }, "odd"));
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/ odd "a\\nb"=1$/);
});

const taken = { time: "noon", level: "high", msg: "other", err: new Error("no route"), a: 1 };

test("shows fields named as an entry's own parts as fields, as text", async () => {
  const lines = await logged({}, (log) => {
    log.info(taken, "said");
    log.child({ time: 1, msg: 2 }).child({ level: 3 }).warn("said");
    log.info({ msg: "the message" });
  });
  expect(lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT[\d:.]+Z /, ""))).toEqual([
    "INFO  said: no route time=noon level=high msg=other a=1",
    "WARN  said time=1 msg=2 level=3",
    "INFO  the message",
  ]);
});

test("has every name once, as JSON, and an entry's own parts under their names", async () => {
  const lines = await logged({ format: "json" }, (log) => {
    log.info(taken, "said");
    log.child({ time: 1, msg: 2 }).child({ level: 3 }).warn("said");
  });
  const time = expect.stringMatching(/^\d{4}-/);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      ...{ time, level: 30, msg: "said", err: expect.objectContaining({ message: "no route" }) },
      ...{ time_: "noon", level_: "high", msg_: "other", a: 1 },
    },
    { time, level: 40, msg: "said", time_: 1, msg_: 2, level_: 3 },
  ]);
  for (const line of lines) expect(line.match(/"(?:time|level|msg)":/g)).toHaveLength(3);
});
