import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { HOOKS, listHooks } from "./list-hooks.ts";

const root = mkdtempSync(join(tmpdir(), "msdha-hooks-"));
afterAll(() => rmSync(root, { recursive: true }));

function write(folder: string, name: string, text: string, mode = 0o755): void {
  const dir = join(root, folder);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, name), text);
  chmodSync(join(dir, name), mode);
}

test("says of each hook why it can't be run", async () => {
  write("broken", "start", "#!/bin/sh\n");
  write("broken", "pre_start", "no first line of its own\n");
  write("broken", "ready", "");
  write("broken", "candidate", "#!/bin/sh\r\necho 5\r\n");
  write("broken", "alive", "#! /bin/none -x\n");
  write("broken", "report", "#!/bin/sh\n", 0o644);
  mkdirSync(join(root, "broken", "stopped"));
  symlinkSync("/nowhere/master", join(root, "broken", "master"));
  expect(await listHooks(join(root, "broken"))).toEqual({
    hooks: [
      { name: "alive", fault: "its interpreter /bin/none is missing" },
      { name: "candidate", fault: expect.stringMatching(/carriage return/) },
      { name: "master", fault: "it is a link to a file that is not there" },
      { name: "pre_start", fault: undefined },
      { name: "ready", fault: undefined },
      // Everything is executable to root but what nobody may execute.
      { name: "report", fault: "it is not executable (chmod +x)" },
      { name: "start", fault: undefined },
      { name: "stopped", fault: "it is not a file" },
    ],
    misnamed: [],
  });
});

test("knows a file that was meant for a hook from one that is none", async () => {
  for (const name of [
    "start",
    "master",
    "master.sh",
    "candidate.sh",
    "node-state-change",
    "README.md",
    "lib",
  ])
    write("misnamed", name, "#!/bin/sh\n");
  const { misnamed } = (await listHooks(join(root, "misnamed"))) as { readonly misnamed: readonly unknown[] };
  expect(misnamed).toHaveLength(2);
  expect(misnamed).toContainEqual({ name: "candidate.sh", hook: "candidate" });
  expect(misnamed).toContainEqual({ name: "node-state-change", hook: "node_state_change" });
});

test("is no node where there is no folder, and says why one can't be read", async () => {
  expect(await listHooks(join(root, "none"))).toBeUndefined();
  write("file", "start", "");
  expect(await listHooks(join(root, "file", "start"))).toMatchObject({ why: "ENOTDIR" });
});

test("looks for every hook that the backend's page lists", () => {
  const page = readFileSync(new URL("../../../../docs/backend.md", import.meta.url), "utf8");
  const table = page.slice(page.indexOf("| hook "), page.indexOf("The first four and"));
  const listed = [...table.matchAll(/^\| `(\w+)/gm)].map(([, name]) => name);
  expect(listed.toSorted()).toEqual(HOOKS.toSorted());
});
