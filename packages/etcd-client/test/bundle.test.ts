import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { startEtcd, tempDir } from "@msdha/testkit";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { inlineEtcdProto } from "../src/esbuild-plugin.ts";

const { PATH } = process.env;

test("a bundle of one file works in a folder of its own", async () => {
  await using folder = tempDir();
  await using etcd = await startEtcd();
  const outfile = join(folder.path, "app.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "example.ts")],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node24",
    conditions: ["@msdha/source"],
    plugins: [inlineEtcdProto()],
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "silent",
  });
  const env = { PATH, ETCDCTL_ENDPOINTS: etcd.endpoint };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [outfile], { env, cwd: "/" });
  expect({ stdout, stderr }).toEqual({ stdout: "hello <Buffer ff 00> true\nthe lock is mine\n", stderr: "" });
});
