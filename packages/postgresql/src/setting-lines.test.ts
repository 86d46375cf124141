import { expect, test } from "vitest";
import { formatSettingLines, parseSettingLines, raiseToControl } from "./setting-lines.ts";

test("reads lines as postgresql.conf has them, the last of a name", () => {
  const text =
    "# ours\n\nwork_mem = 8MB # more\nSearch_Path = 'a, ''b'''\nwork_mem=16MB\nauto_explain.log_min_duration = 1s\n";
  const settings = parseSettingLines(text);
  expect(settings).toEqual([
    { name: "work_mem", value: "16MB" },
    { name: "search_path", value: "a, 'b'" },
    { name: "auto_explain.log_min_duration", value: "1s" },
  ]);
  expect(formatSettingLines(settings)).toBe(
    "work_mem = '16MB'\nsearch_path = 'a, ''b'''\nauto_explain.log_min_duration = '1s'\n",
  );
});

test("reads and writes backslashes as PostgreSQL does", () => {
  const settings = parseSettingLines(String.raw`a.b = 'it\'s \\d\101\n'`);
  expect(settings).toEqual([{ name: "a.b", value: "it's \\dA\n" }]);
  expect(formatSettingLines(settings)).toBe(`${String.raw`a.b = 'it''s \\dA\n'`}\n`);
});

test.each([
  ["work_mem", "line 1: expected NAME = VALUE, got work_mem"],
  ["work_mem = 8 MB", "line 1: expected NAME = VALUE, got work_mem = 8 MB"],
  ["x = 1\nwork_mem = 'a", "line 2: expected NAME = VALUE, got work_mem = 'a"],
  ["work_mem = 'a\\'", "line 1: expected NAME = VALUE, got work_mem = 'a\\'"],
  ["port = 5433", "line 1: port is set by MSDHA, and can't be a setting of the group"],
  ["Fsync = off", "line 1: fsync is set by MSDHA, and can't be a setting of the group"],
  [
    "recovery_target_time = x",
    "line 1: recovery_target_time is set by MSDHA, and can't be a setting of the group",
  ],
  ["include = 'x'", "line 1: include is set by MSDHA, and can't be a setting of the group"],
  ["wal_level = minimal", "line 1: wal_level: expected replica or logical, got minimal"],
])("refuses %j", (text, message) => {
  expect(() => parseSettingLines(text)).toThrow(message);
});

test("keeps what a standby must not have less of than its master had", () => {
  const control = new Map([["max_connections setting", "200"]]);
  const of = (value: string) => [{ name: "max_connections", value }];
  expect(raiseToControl(of("100"), control)).toEqual({ settings: of("200"), kept: of("200") });
  expect(raiseToControl(of("300"), control)).toEqual({ settings: of("300"), kept: [] });
  expect(raiseToControl([{ name: "work_mem", value: "1" }], control).kept).toEqual([]);
});
