import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startEtcd, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";

const example = join(import.meta.dirname, "example.ts");
const mapExample = join(import.meta.dirname, "map-example.ts");

test("the README shows the example, and the example works", async () => {
  const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${readFileSync(example, "utf8")}\`\`\``);
  await using etcd = await startEtcd();
  await etcd.etcdctl("put", "/msdha/db/a", "start");
  const env = { PATH: process.env["PATH"], ETCDCTL_ENDPOINTS: etcd.endpoint };
  const child = execFile(process.execPath, ["--conditions=@msdha/source", example], { env });
  const output = { out: "", err: "" };
  child.stdout?.on("data", (text) => {
    output.out += text;
  });
  child.stderr?.on("data", (text) => {
    output.err += text;
  });
  await waitFor(() => output.err.includes("following"), { what: "the example to follow" });
  await etcd.etcdctl("put", "/msdha/db/a", "ready");
  await etcd.etcdctl("del", "/msdha/db/a");
  await etcd.etcdctl("put", "/msdha/db/a", "stop");
  await waitFor(() => child.exitCode !== null, { what: "the example to end" });
  const lines = [
    "init /msdha/db/a start",
    "PUT /msdha/db/a ready",
    "DELETE /msdha/db/a ",
    "PUT /msdha/db/a stop",
  ];
  expect(output.out.trim().split("\n")).toEqual(lines);
  expect(child.exitCode).toBe(0);
});

test("the README shows the example of a map, and the example works", async () => {
  const readme = readFileSync(join(import.meta.dirname, "..", "README.md"), "utf8");
  expect(readme).toContain(`\`\`\`ts\n${readFileSync(mapExample, "utf8")}\`\`\``);
  await using etcd = await startEtcd();
  const env = { PATH: process.env["PATH"], ETCDCTL_ENDPOINTS: etcd.endpoint };
  const child = execFile(process.execPath, ["--conditions=@msdha/source", mapExample], { env });
  const output = { out: "", err: "" };
  child.stdout?.on("data", (text) => {
    output.out += text;
  });
  child.stderr?.on("data", (text) => {
    output.err += text;
  });
  await waitFor(() => output.err.includes("following"), { what: "the example to follow" });
  await etcd.etcdctl("put", "/msdha/db/b", "ready");
  await etcd.etcdctl("put", "/msdha/db/a", "stop");
  await waitFor(() => child.exitCode !== null, { what: "the example to end" });
  expect(output.out).toMatch(/\/msdha\/db\/b ready\n.*\/msdha\/db\/a stop\n$/s);
  expect(child.exitCode).toBe(0);
});
