import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { startEtcd } from "@msdha/testkit";
import { expect, test } from "vitest";

const { PATH } = process.env;
const folder = import.meta.dirname;
const example = join(folder, "example.ts");

test("the README shows the example, and the example works", async () => {
  const readme = readFileSync(join(folder, "..", "README.md"), "utf8");
  expect(readme).toContain(readFileSync(example, "utf8").trim());
  await using etcd = await startEtcd();
  const run = async (): Promise<string> => {
    const env = { PATH, ETCDCTL_ENDPOINTS: `${etcd.endpoint},http://127.0.0.1:1` };
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@msdha/source", example], {
      env,
    });
    return stdout;
  };
  expect(await run()).toBe("hello <Buffer ff 00> true\nthe lock is mine\n");
  expect(await run()).toBe("hello <Buffer ff 00> true\nsomebody else has it\n");
});
