import { execFile } from "node:child_process";
import { lookup } from "node:dns/promises";
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { GroupStatus } from "@msdha/group";
import { refuse } from "../command-error.ts";
import { type Context, openGroup } from "../context.ts";
import { askEndpoint } from "../doctor/ask-endpoint.ts";
import { checkCompose } from "../doctor/check-compose.ts";
import { checkEtcd } from "../doctor/check-etcd.ts";
import { checkGroup } from "../doctor/check-group.ts";
import { checkMachine, listAddresses, type MachineFacts } from "../doctor/check-machine.ts";
import { checkRights, findRights } from "../doctor/check-rights.ts";
import { type Finding, worstCode } from "../doctor/finding.ts";
import { createStyle } from "../render/style.ts";
import { schema } from "../render/to-json.ts";
import { parseDuration } from "../requests/parse-duration.ts";
import type { GroupOptions } from "../settings.ts";

export interface DoctorOptions extends GroupOptions {
  /** A compose file, or `-`: what `docker compose config --format json` prints, on standard input. */
  readonly compose?: string;
  readonly json?: boolean;
}

const DEFAULT_TTL = 10;
const LOOKUP_MS = 3_000;
const HOOKS_DIR = "/etc/msdha/hooks";
const LONGEST_FILE = 16 * 1024 * 1024;

/** Checks etcd, rights, the group and this machine, or a compose file. Resolves with the exit code of the worst. */
export async function doctor(context: Context, options: DoctorOptions): Promise<number> {
  const findings =
    options.compose === undefined
      ? await examine(context, options)
      : checkCompose(await readCompose(options.compose));
  if (options.json) context.write(`${JSON.stringify({ schema, findings })}\n`);
  else context.write(renderFindings(findings, context));
  return worstCode(findings);
}

async function examine(context: Context, options: DoctorOptions): Promise<readonly Finding[]> {
  await using group = openGroup(context, options);
  const { etcd, keys, client } = group;
  const endpoints = await Promise.all(etcd.endpoints.map((each) => askEndpoint(etcd, each, keys.lock)));
  const now = context.now();
  const reached = endpoints.some(({ error }) => error === undefined);
  if (!reached) return checkEtcd(endpoints, { ttlSeconds: DEFAULT_TTL, now });
  const status = await group.read();
  const ttlSeconds = longestTtl(status);
  return [
    ...checkEtcd(endpoints, { ttlSeconds, now }),
    ...checkRights(await findRights(client, keys, etcd.user?.name)),
    ...checkGroup(status, now),
    ...checkMachine(await lookAround(context, status), ttlSeconds),
  ];
}

function longestTtl({ nodes, ttlSeconds = DEFAULT_TTL }: GroupStatus): number {
  return Math.max(...nodes.map((node) => node.ttlSeconds ?? 0), nodes.length > 0 ? 1 : ttlSeconds);
}

async function lookAround({ environment }: Context, { nodes }: GroupStatus): Promise<MachineFacts> {
  const addresses = listAddresses(nodes);
  const found = await Promise.all(addresses.map((address) => resolve(address)));
  const unresolved = found.filter((each) => each !== undefined);
  const park = environment["MSDHA_PARK"];
  return {
    parkMs: park === undefined || !/^\d/.test(park) ? undefined : parseDuration(park),
    unresolved,
    resolved: addresses.length - unresolved.length,
    hooks: listHooks(environment["MSDHA_HOOKS_DIR"] || HOOKS_DIR),
  };
}

/** A resolver that does not answer must not keep the others from being told. */
async function resolve(
  address: string,
): Promise<{ readonly address: string; readonly why: string } | undefined> {
  const late = sleep(LOOKUP_MS, `no answer within ${LOOKUP_MS} ms`, { ref: false });
  const why = await Promise.race([
    lookup(address).then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    ),
    late,
  ]);
  return why === undefined ? undefined : { address, why };
}

function listHooks(dir: string): MachineFacts["hooks"] {
  if (!existsSync(dir)) return undefined;
  return readdirSync(dir)
    .filter((name) => /^[a-z_]+$/.test(name))
    .map((name) => ({ name, isExecutable: isExecutable(`${dir}/${name}`) }));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function readCompose(file: string): Promise<string> {
  if (file === "-") return await text(process.stdin);
  const args = ["compose", "--file", file, "config", "--format", "json"];
  try {
    const { stdout } = await promisify(execFile)("docker", args, { maxBuffer: LONGEST_FILE });
    return stdout;
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n").at(-2) || error.message : String(error);
    throw refuse(`docker compose can't read ${JSON.stringify(file)}: ${why.trim()}`);
  }
}

const SIGNS = { ok: ["✓", "green"], warning: ["▲", "yellow"], error: ["✗", "red"] } as const;

function renderFindings(findings: readonly Finding[], { terminal }: Context): string {
  const style = createStyle(terminal.isColourful);
  return findings
    .map(({ level, what, todo }) => {
      const [sign, colour] = SIGNS[level];
      return `${style(colour, sign)} ${what}${todo === undefined ? "" : `\n    → ${todo}`}\n`;
    })
    .join("");
}
