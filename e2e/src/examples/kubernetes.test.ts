import { readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tempDir } from "@msdha/testkit";
import { execa } from "execa";
import type { Container, PodSpec } from "kubernetes-types/core/v1.js";
import { describe, expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { backendCommand, frontendCommand } from "../support/paths.ts";
import { refusedVariables } from "./refused-variables.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const FOLDER = join(ROOT, "examples/kubernetes");

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template?: { readonly spec: PodSpec } };
}

const files = readdirSync(FOLDER).filter((name) => name.endsWith(".yaml") && name !== "kustomization.yaml");
const manifests = files.flatMap((name) =>
  parseAllDocuments(readFileSync(join(FOLDER, name), "utf8")).map((document) => document.toJS() as Manifest),
);

/** Resolves with what the compiler says of manifests when they are taken for the objects of Kubernetes' API. */
async function checkTypes(objects: readonly Manifest[]): Promise<string> {
  await using folder = tempDir();
  symlinkSync(join(ROOT, "e2e/node_modules"), join(folder.path, "node_modules"));
  const code = objects.map(({ apiVersion, kind, ...rest }, index) => {
    const module = apiVersion.includes("/") ? apiVersion : `core/${apiVersion}`;
    return `import type { ${kind} as T${index} } from "kubernetes-types/${module}";
export const o${index}: T${index} = ${JSON.stringify({ apiVersion, kind, ...rest }, null, 1)};`;
  });
  const file = join(folder.path, "manifests.ts");
  writeFileSync(file, code.join("\n"));
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--ignoreConfig"];
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  const { all } = await execa(tsc, [...options, file], { all: true, reject: false, cwd: folder.path });
  return all;
}

function podOf(name: string): PodSpec {
  const pod = manifests.find(({ kind, metadata }) => kind !== "Service" && metadata.name === name)?.spec
    .template?.spec;
  if (!pod) throw new Error(`expected a manifest of ${name}`);
  return pod;
}

const containerOf = (name: string): Container => podOf(name).containers[0] as Container;

describe("the Kubernetes example", () => {
  test("has only fields and values that Kubernetes' API knows", async () => {
    expect(manifests.length).toBeGreaterThan(6);
    expect(await checkTypes(manifests)).toBe("");
  });

  test.each([
    ["terminationGracePeriodSeconds", "terminationGracePeriod"],
    ["podIP", 3],
    ["httpGet", "get"],
  ])("a wrong field or value would be noticed: %s", async (right, wrong) => {
    const text = JSON.stringify(manifests);
    const changed = text.replaceAll(/"[^"]*"/g, (found) =>
      found === `"${right}"` || found === `"status.${right}"` ? JSON.stringify(wrong) : found,
    );
    expect(changed).not.toBe(text);
    expect(await checkTypes(JSON.parse(changed))).toMatch(/error TS/);
  });

  test.each([
    ["db", backendCommand],
    ["db-frontend", frontendCommand],
  ])("gives %s variables that its program takes", async (name, command) => {
    const variables = (containerOf(name).env ?? []).map(({ name: variable, value, valueFrom }) => [
      variable,
      valueFrom?.fieldRef?.fieldPath === "status.podIP" ? "10.0.0.7" : (value ?? "db-0"),
    ]);
    expect(await refusedVariables(command, Object.fromEntries(variables))).toEqual([]);
  });

  test("asks the status ports for paths that they have", () => {
    const page = readFileSync(join(ROOT, "docs/monitoring.md"), "utf8");
    const [, frontend = "", backend = ""] = page.split(/^## The (?:frontend|backend)'s port$/m);
    for (const [name, text] of [
      ["db", backend],
      ["db-frontend", frontend],
    ] as const) {
      const { livenessProbe, readinessProbe, ports } = containerOf(name);
      for (const probe of [livenessProbe, readinessProbe]) {
        expect(text).toContain(`| \`${probe?.httpGet?.path}\``);
        expect(ports?.find(({ name: port }) => port === probe?.httpGet?.port)?.containerPort).toBe(8080);
      }
    }
  });

  test("leaves a node more time than it needs to stop", () => {
    const dockerfile = readFileSync(join(ROOT, "Dockerfile"), "utf8");
    const stopSeconds = Number(/MSDHA_STOP_TIMEOUT=(\d+)/.exec(dockerfile)?.[1]);
    expect(podOf("db").terminationGracePeriodSeconds).toBeGreaterThan(stopSeconds);
  });

  test("gives every pod its own run folder, in memory, no token and no foreign variables", () => {
    for (const name of ["db", "db-frontend"]) {
      const pod = podOf(name);
      const mount = containerOf(name).volumeMounts?.find(({ mountPath }) => mountPath === "/run/msdha");
      expect(pod.volumes?.find((volume) => volume.name === mount?.name)?.emptyDir?.medium).toBe("Memory");
      expect(pod).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    }
  });

  test("names every file and image in its kustomization", () => {
    const { resources, images } = parse(readFileSync(join(FOLDER, "kustomization.yaml"), "utf8"));
    expect([...resources].sort()).toEqual([...files].sort());
    const named = images.map(({ name }: { name: string }) => name);
    expect(named).toEqual(["db", "db-frontend"].map((name) => containerOf(name).image));
  });
});
