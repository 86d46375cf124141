import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { getFreePort, waitFor } from "@msdha/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFrontend, type TestFrontend } from "./support/frontend.ts";
import { startGroup, type TestGroup } from "./support/group.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, "utf8");
const metricNames = (text: string): Set<string> => new Set(text.match(/\bmsdha_(?:frontend|backend)_\w+/g));

const stack = new AsyncDisposableStack();
let scraped = "";
/** The names that the programs tell, with those of a histogram's parts. */
let told = new Set<string>();

beforeAll(async () => {
  const group: TestGroup = stack.use(await startGroup());
  const [nodePort, frontPort] = [await getFreePort(), await getFreePort()];
  const address = { MSDHA_STATUS_BIND: "127.0.0.1" };
  const env = { ...address, MSDHA_STATUS_PORT: String(nodePort) };
  const node = stack.use(group.start("one", { env, hooks: { report: "echo 0" } }));
  const place = { dir: group.dir, endpoints: group.etcd.endpoint, group: "db", ttlSeconds: 3 };
  const frontend: TestFrontend = stack.use(
    await startFrontend(place, { env: { ...address, MSDHA_STATUS_PORT: String(frontPort) } }),
  );
  expect(frontend.child.running).toBe(true);
  await group.masterAmong([node]);
  const scrape = async (port: number): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  await waitFor(async () => (await scrape(frontPort)).includes('node="one"'), {
    what: "the frontend to know the node",
  });
  await waitFor(async () => (await scrape(nodePort)).includes('hook="master"'), {
    what: "the hook to be counted",
  });
  await waitFor(async () => /^msdha_backend_behind_bytes\{/m.test(await scrape(nodePort)), {
    what: "the report to be told",
  });
  scraped = (await scrape(nodePort)) + (await scrape(frontPort));
  told = new Set(scraped.match(/^msdha_\w+/gm));
});
afterAll(() => stack.disposeAsync());

describe("the metrics", () => {
  it("follow Prometheus' conventions", () => {
    const lint = (): string =>
      execFileSync("promtool", ["check", "metrics"], { input: scraped, encoding: "utf8" });
    expect(lint).not.toThrow();
  });

  it("are all in the documentation, and it names no others", () => {
    const documented = metricNames(read("docs/monitoring.md"));
    const families = new Set([...scraped.matchAll(/^# TYPE (msdha_\w+)/gm)].map(([, name]) => name));
    expect([...documented].toSorted()).toEqual([...families].toSorted());
  });

  it.each(["monitoring/grafana/msdha-group.json", "monitoring/alerts.yml", "monitoring/alerts.test.yml"])(
    "are those that %s asks for",
    (file) => {
      const asked = metricNames(read(file));
      expect(asked.size).toBeGreaterThan(5);
      expect([...asked].filter((name) => !told.has(name))).toEqual([]);
    },
  );
});

describe("what Prometheus gets", () => {
  it("has alert rules that fire when they should, and not in a group that is well", () => {
    const test = (): string =>
      execFileSync("promtool", ["test", "rules", `${root}monitoring/alerts.test.yml`], { encoding: "utf8" });
    expect(test()).toContain("SUCCESS");
    const alerts = [...read("monitoring/alerts.yml").matchAll(/alert: (\w+)/g)].map(([, name]) => name ?? "");
    const tested = read("monitoring/alerts.test.yml");
    expect(alerts.filter((name) => !tested.includes(`alertname="${name}",alertstate="firing"`))).toEqual([]);
    const page = read("docs/monitoring.md");
    expect(alerts.filter((name) => !new RegExp(`^\\| \`${name}\` +\\| \\S`, "m").test(page))).toEqual([]);
  });

  it("has a configuration that it takes, for the services of the PostgreSQL example", () => {
    execFileSync("promtool", ["check", "config", `${root}monitoring/prometheus.yml`]);
    const targets = [...read("monitoring/prometheus.yml").matchAll(/"(\w+):8080"/g)].map(([, name]) => name);
    const compose = read("examples/postgresql/compose.yaml");
    expect(targets.filter((name) => !new RegExp(`^ {2}${name}:$`, "m").test(compose))).toEqual([]);
    expect(targets).toHaveLength(4);
  });
});
