import { execFile } from "node:child_process";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { isEtcdError } from "@msdha/etcd-client";
import type { GroupStatus } from "@msdha/group";
import { asCommandError, refuse } from "../command-error.ts";
import { type Context, type OpenGroup, openGroup } from "../context.ts";
import { askEndpoint } from "../doctor/ask-endpoint.ts";
import { checkClock } from "../doctor/check-clock.ts";
import { checkCompose } from "../doctor/check-compose.ts";
import { checkEtcd } from "../doctor/check-etcd.ts";
import { checkGroup } from "../doctor/check-group.ts";
import { checkMachine } from "../doctor/check-machine.ts";
import { checkRights, findRights } from "../doctor/check-rights.ts";
import { type Finding, failure, worstCode } from "../doctor/finding.ts";
import { lookAround } from "../doctor/look-around.ts";
import { exitCodes } from "../exit-codes.ts";
import { plain } from "../render/plain.ts";
import { createStyle } from "../render/style.ts";
import { schema } from "../render/to-json.ts";
import type { SeenGroup } from "../requests/describe-view.ts";
import type { GroupOptions } from "../settings.ts";

export interface DoctorOptions extends GroupOptions {
  /** A compose file, or `-`: what `docker compose config --format json` prints, on standard input. */
  readonly compose?: string;
  readonly json?: boolean;
}

const DEFAULT_TTL = 10;
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

/** Settings that are wrong are findings: what does not depend on them is looked at all the same. */
async function examine(context: Context, options: DoctorOptions): Promise<readonly Finding[]> {
  try {
    await using group = openGroup(context, options);
    return await examineGroup(context, group);
  } catch (error) {
    const { exitCode, message } = asCommandError(error);
    if (exitCode !== exitCodes.configuration) throw error;
    const todo = "set it as nodes and frontends have it, here or as an option: msdha --help";
    const machine = checkMachine(await lookAround(context.environment, []), DEFAULT_TTL);
    return [...message.split("\n").map((line) => failure(plain(line, 1_000), todo)), ...machine];
  }
}

async function examineGroup(context: Context, group: OpenGroup): Promise<readonly Finding[]> {
  const { etcd, keys, client } = group;
  const { environment } = context;
  const endpoints = await Promise.all(etcd.endpoints.map((each) => askEndpoint(etcd, each, keys.lock)));
  const now = context.now();
  const clocks = endpoints.flatMap(({ clock }) => clock ?? []);
  const reached = endpoints.some(({ error }) => error === undefined);
  if (!reached) {
    const machine = checkMachine(await lookAround(environment, []), DEFAULT_TTL);
    return [...checkEtcd(endpoints, { ttlSeconds: DEFAULT_TTL, now }), ...machine];
  }
  const status = await readOrSayWhy(group);
  const nodes = "nodes" in status ? status.nodes : [];
  const ttlSeconds = "nodes" in status ? longestTtl(status) : DEFAULT_TTL;
  return [
    ...checkEtcd(endpoints, { ttlSeconds, now }),
    ...checkClock(clocks),
    ...checkRights(await findRights(client, keys, etcd.user?.name)),
    ...("nodes" in status ? checkGroup(status, now) : [status]),
    ...checkMachine(await lookAround(environment, nodes), ttlSeconds),
  ];
}

/** A user that may not read the group should still see what else is not well. */
async function readOrSayWhy(group: OpenGroup): Promise<SeenGroup | Finding> {
  try {
    return await group.read();
  } catch (error) {
    if (!isEtcdError(error, "ERR_ETCD_AUTH")) throw error;
    const user = plain(group.etcd.user?.name ?? "without a name");
    return failure(
      `user ${user} may not read group ${plain(group.group)}: ${plain(error.message)}`,
      "give it read on the group's prefix: docs/etcd-keys.md has roles",
    );
  }
}

function longestTtl({ nodes, ttlSeconds = DEFAULT_TTL }: GroupStatus): number {
  return Math.max(...nodes.map((node) => node.ttlSeconds ?? 0), nodes.length > 0 ? 1 : ttlSeconds);
}

async function readCompose(file: string): Promise<string> {
  if (file === "-") return await text(process.stdin);
  const args = ["compose", "--file", file, "config", "--format", "json"];
  try {
    const { stdout } = await promisify(execFile)("docker", args, { maxBuffer: LONGEST_FILE });
    return stdout;
  } catch (error) {
    const why = whyUnread(error as NodeJS.ErrnoException);
    throw refuse(`docker compose can't read ${JSON.stringify(file)}: ${why.trim()}`);
  }
}

function whyUnread({ code, message }: NodeJS.ErrnoException): string {
  const pipe = "pipe `docker compose config --format json` into `msdha doctor --compose -`";
  if (code === "ENOENT") return `docker is not here; ${pipe}`;
  // What docker says of the words after compose where it has no such command.
  if (/unknown (?:shorthand )?flag|is not a docker command/.test(message))
    return `docker has no compose here; ${pipe}`;
  return message.split("\n").at(-2) || message;
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
