import { CommandError } from "../command-error.ts";
import { exitCodes } from "../exit-codes.ts";
import { plain } from "../render/plain.ts";
import { checkRunFolder, checkSharedFolders } from "./check-run-folders.ts";
import { type ComposeService, readService } from "./compose-service.ts";
import { type Finding, failure, ok, warning } from "./finding.ts";

/** Docker's default grace time, and MSDHA's default stop time. */
const GRACE_MS = 10_000;
const STOP_MS = 8_000;
/** How much longer a grace time has to be than the stop: the node ends after its stop is over. */
const SPARE_MS = 1_000;
const LONGER = "make stop_grace_period at least 1 s longer";
/** What the image for PostgreSQL sets, which a compose file does not show. */
const STOP_POSTGRESQL_MS = 300_000;
/** Variables of a server, not of a client, that this image reads, whatever it is called. */
const POSTGRESQL_VARIABLE = /^(?:MSDHA_PG_|POSTGRES_(?:INITDB_|HOST_AUTH_METHOD))/;

/**
 * Checks the services of a compose file that are MSDHA's: what `docker compose config --format json` prints. Throws a
 * `CommandError` for anything else.
 */
export function checkCompose(text: string): readonly Finding[] {
  const services = Object.entries(readServices(text)).filter(([, { environment }]) =>
    isGiven(environment, "MSDHA_GROUP"),
  );
  const findings = [
    ...services.flatMap(([name, service]) => checkService(plain(name), service)),
    ...checkSharedFolders(services),
  ];
  return findings.length > 0
    ? findings
    : [failure("no service of this file has MSDHA_GROUP", "give the file that starts nodes and frontends")];
}

function readServices(json: string): Readonly<Record<string, ComposeService>> {
  const expected = "expected what `docker compose config --format json` prints";
  const { services } = parse(json) ?? {};
  if (typeof services !== "object" || services === null || Array.isArray(services))
    throw new CommandError(exitCodes.usage, expected);
  return Object.fromEntries(
    Object.entries(services).map(([name, value]) => {
      const service = readService(value);
      if (service) return [name, service];
      throw new CommandError(exitCodes.usage, `${expected}: ${plain(name)} is no service`);
    }),
  );
}

function parse(json: string): { readonly services?: unknown } | undefined {
  try {
    return JSON.parse(json) as { services?: unknown };
  } catch {
    return undefined;
  }
}

/** Whether a variable has a value, or names a file that has it: this command does not see that file. */
function isGiven(environment: ComposeService["environment"], name: string): boolean {
  return Boolean(environment[name] || environment[`${name}_FILE`]);
}

function checkService(name: string, service: ComposeService): readonly Finding[] {
  const { environment, hostname, restart, condition, volumes } = service;
  const isNode = !isGiven(environment, "MSDHA_PORT");
  const policy = condition ?? restart;
  const starts = policy === "always" || policy === "unless-stopped" || policy === "any";
  const findings: Finding[] = [
    starts
      ? ok(`${name}: it is started again whenever it ends`)
      : failure(
          `${name}: restart is ${plain(policy ?? "not set")}`,
          "restart: unless-stopped; a node that hands over ends with 0",
        ),
  ];
  if (!isNode) return findings;
  findings.push(checkGrace(name, service));
  if (hostname !== undefined && !isGiven(environment, "MSDHA_NAME") && !isGiven(environment, "MSHDA_NAME"))
    findings.push(
      warning(
        `${name}: hostname is set, MSDHA_NAME is not`,
        "set both: others have to resolve the node's name",
      ),
    );
  findings.push(
    volumes.length > 0
      ? ok(`${name}: it has a volume`)
      : warning(`${name}: it has no volume`, "its data are gone with its container"),
  );
  return [...findings, ...checkRunFolder(name, service)];
}

function checkGrace(name: string, { environment, image, stop_grace_period: grace }: ComposeService): Finding {
  const isPostgresql =
    image.includes("msdha-backend-postgresql") ||
    Object.keys(environment).some((variable) => POSTGRESQL_VARIABLE.test(variable));
  const usualMs = isPostgresql ? STOP_POSTGRESQL_MS : STOP_MS;
  const stopMs = parseTime(environment["MSDHA_STOP_TIMEOUT"]) ?? usualMs;
  const graceMs = parseTime(grace) ?? GRACE_MS;
  const both = `${name}: stop_grace_period is ${graceMs / 1_000} s, MSDHA_STOP_TIMEOUT`;
  if (environment["MSDHA_STOP_TIMEOUT_FILE"])
    return warning(`${both} is in a file, which is not looked at`, `${LONGER} than what it says`);
  const what = `${both} ${stopMs / 1_000} s`;
  if (graceMs >= stopMs + SPARE_MS) return ok(what);
  return failure(what, `${LONGER}: a stop that is killed makes the next master wait`);
}

/** `90`, `90s`, `1m30s`, `1h`, in ms; undefined for anything else. */
function parseTime(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (/^\d+(?:\.\d+)?$/.test(text)) return Number(text) * 1_000;
  const unitMs: Readonly<Record<string, number>> = {
    d: 86_400_000,
    h: 3_600_000,
    m: 60_000,
    s: 1_000,
    ms: 1,
  };
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)];
  if (parts.map(([part]) => part).join("") !== text) return undefined;
  return parts.reduce((sum, [, count, unit = "s"]) => sum + Number(count) * (unitMs[unit] ?? 0), 0);
}
