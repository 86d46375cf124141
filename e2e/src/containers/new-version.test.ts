import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { getFreePort, waitFor } from "@msdha/testkit";
import { execa } from "execa";
import { expect, test } from "vitest";
import { type ComposeProject, composeProjectOf } from "./support/compose.ts";
import { root } from "./support/images.ts";
import { startShell } from "./support/page-commands.ts";

const IMAGES = ["msdha-backend-postgresql", "msdha-frontend"];
const NODES = ["db1", "db2", "db3"];

/** The command of each step in the page's section, where `msdha` stands for the command on a frontend. */
async function readSteps(): Promise<readonly string[]> {
  const page = await readFile(join(root, "docs/operating.md"), "utf8");
  const [, section = ""] = /^## A new version, or other variables\n([\s\S]*?)^## /m.exec(page) ?? [];
  const commands = [...section.matchAll(/^\d\. [^`]*`([^`]+)`/gm)].map(([, command = ""]) => command);
  // A reader answers its question.
  return commands.map((command) => command.replace(/^msdha .*/, "docker compose exec front $& --yes"));
}

/** Gives the images that were built another name, as a new version has. Disposing takes the name away. */
async function tagImages(version: string): Promise<AsyncDisposable> {
  for (const image of IMAGES) await execa("docker", ["tag", `${image}:latest`, `${image}:${version}`]);
  return {
    async [Symbol.asyncDispose]() {
      await execa("docker", ["image", "rm", ...IMAGES.map((image) => `${image}:${version}`)]);
    },
  };
}

async function statesOf(project: ComposeProject): Promise<readonly string[]> {
  const text = await project.run("exec", "-T", "front", "msdha", "list", "--json");
  const { nodes } = JSON.parse(text) as { nodes: readonly { name: string; state: string }[] };
  return nodes.map(({ name, state }) => `${name} ${state}`).sort();
}

/** Resolves when this node is the master, and the others could take over. */
async function settled(project: ComposeProject, master: string): Promise<void> {
  const wanted = NODES.map((name) => `${name} ${name === master ? "master" : "ready"}`).join();
  await waitFor(async () => (await statesOf(project).catch(() => [])).join() === wanted, {
    what: `${wanted}`,
    timeoutMs: 90_000,
    intervalMs: 500,
  });
}

async function imagesOf(project: ComposeProject): Promise<readonly string[]> {
  const containers = (await project.run("ps", "--quiet", ...NODES, "front")).split("\n").filter(Boolean);
  const { stdout } = await execa("docker", ["inspect", "--format", "{{.Config.Image}}", ...containers]);
  return stdout.split("\n");
}

test("the steps of docs/operating.md give every container a new version, with one planned change of the master", async () => {
  const steps = await readSteps();
  expect(steps).toEqual([
    expect.stringMatching(/ up .* db2$/),
    expect.stringMatching(/ msdha switchover db2 /),
    expect.stringMatching(/ up .* db1$/),
    expect.stringMatching(/ up .* front$/),
  ]);
  const [slave = "", move = "", former = "", frontend = ""] = steps;
  const [dbPort = "", statusPort = ""] = [await getFreePort(), await getFreePort()].map(String);
  await using cleanUp = new AsyncDisposableStack();
  await using project = await composeProjectOf("examples/postgresql/compose.yaml", {
    DB_PORT: dbPort,
    STATUS_PORT: statusPort,
  });
  await project.run("build", "--quiet");
  await project.run("up", "--detach", "--wait");
  const sql = (statement: string): Promise<string> =>
    project.run("run", "--rm", "-T", "client", "psql", "-qAtc", statement);
  const masterOf = (): Promise<string> => project.run("exec", "-T", "front", "msdha", "master");
  // The page takes db1 for the master.
  if ((await masterOf()) !== "db1")
    await project.run("exec", "-T", "front", "msdha", "switchover", "db1", "--yes");
  await settled(project, "db1");
  await sql("CREATE TABLE kept AS SELECT 'by the old version' AS text");

  const version = `test-${process.pid}`;
  cleanUp.use(await tagImages(version));
  const shell = startShell({ ...project.env, MSDHA_VERSION: version });
  await shell("cd examples/postgresql");
  for (const name of ["db2", "db3"]) {
    await shell(slave.replace(/db2$/, name));
    expect(await masterOf()).toBe("db1");
  }
  expect(await shell(move)).toMatch(/^db2 is the master \(token \d+\)/m);
  await shell(former);
  await shell(frontend);

  await settled(project, "db2");
  expect(await imagesOf(project)).toEqual(Array(4).fill(expect.stringMatching(`:${version}$`)));
  expect(await sql("SELECT text FROM kept")).toBe("by the old version");
  const history = await project.run("exec", "-T", "front", "msdha", "history", "-n", "1");
  expect(history).toMatch(/db2/);
}, 600_000);
