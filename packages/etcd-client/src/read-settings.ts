import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { EtcdEndpoint, EtcdSettings, EtcdTlsFiles, EtcdUser } from "./settings.ts";

/** A variable that can't be used; `got` is left out where it could hold a password. */
export interface EtcdSettingProblem {
  readonly variable: string;
  readonly expected: string;
  readonly got?: string;
}

/** Says which variables are wrong, all of them, one line each, never with a password in it. */
export class EtcdSettingsError extends Error {
  override readonly name = "EtcdSettingsError";
  readonly code = "ERR_ETCD_SETTINGS";
  readonly problems: readonly EtcdSettingProblem[];

  constructor(problems: readonly EtcdSettingProblem[]) {
    super(problems.map(describeProblem).join("\n"));
    this.problems = problems;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;
type Report = (problem: EtcdSettingProblem) => void;

/** One entry of `ETCDCTL_ENDPOINTS`. */
interface ParsedUrl extends EtcdEndpoint {
  readonly user?: EtcdUser;
}

/**
 * Reads etcdctl's variables: `ETCDCTL_ENDPOINTS` (required; comma-separated, `http(s)://user:password@host:port`,
 * percent-encoded where needed; without a port 2379, without `http(s)://` TLS if a TLS file is given), `ETCDCTL_USER`
 * (`name`, or `name:password` without `ETCDCTL_PASSWORD`; goes before the URLs' user), `ETCDCTL_PASSWORD`,
 * `ETCDCTL_CACERT`, `ETCDCTL_CERT` and `ETCDCTL_KEY` (paths of PEM files). Each may also be given as `NAME_FILE`,
 * the path of a file with the value; for the last three the PEM file itself will do. Empty counts as not given.
 *
 * Throws an `EtcdSettingsError` that tells all problems together. Looks at the files, and at nothing else outside.
 */
export function readEtcdSettings(environment: Environment): EtcdSettings {
  const problems: EtcdSettingProblem[] = [];
  const report: Report = (problem) => problems.push(problem);
  const tls = readTlsFiles(environment, report);
  const urls = readUrls(environment, tls !== undefined, report);
  const user = readUser(environment, urls, report);
  if (problems.length > 0) throw new EtcdSettingsError(problems);
  const endpoints = urls.map(({ address, secure }) => ({ address, secure }));
  return { endpoints, ...(user && { user }), ...(tls && { tls }) };
}

function readUrls(environment: Environment, secureByDefault: boolean, report: Report): readonly ParsedUrl[] {
  const variable = "ETCDCTL_ENDPOINTS";
  const value = readVariable(environment, variable, report)?.value;
  if (value === undefined) {
    const unreadable = environment[`${variable}_FILE`];
    if (!unreadable)
      report({ variable, expected: "one or more URLs of etcd, comma-separated: it is required" });
    return [];
  }
  const entries = value.split(",").map((entry) => entry.trim());
  return entries.flatMap((entry, index) => {
    const url = parseUrl(entry, secureByDefault);
    if (typeof url !== "string") return [url];
    const place = entries.length > 1 ? ` (entry ${index + 1} of ${entries.length})` : "";
    report({ variable, expected: `${url}${place}` });
    return [];
  });
}

/** A string says what was expected instead. The entry itself may hold a password, so it is not shown. */
function parseUrl(entry: string, secureByDefault: boolean): ParsedUrl | string {
  const form = "http(s)://user:password@host:port, special characters of user and password percent-encoded";
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(entry)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") return `${form}, not ${scheme}://`;
  const secure = scheme === undefined ? secureByDefault : scheme === "https";
  // A scheme that URL has no default port for: `new URL("https://etcd:443").port` is empty.
  const rest = scheme === undefined ? entry : entry.slice(scheme.length + 3);
  try {
    const { hostname, port, pathname, search, hash, username, password } = new URL(`etcd://${rest}`);
    if (hostname === "") return `a host in ${form}`;
    if (!["", "/"].includes(pathname) || search !== "" || hash !== "")
      return `${form}, with nothing after the port`;
    if (port === "0") return `a port from 1 to 65535 in ${form}`;
    const endpoint = { address: `${hostname}:${port || "2379"}`, secure };
    if (username === "" && password === "") return endpoint;
    const user = { name: decodeURIComponent(username), password: decodeURIComponent(password) };
    return user.name === "" ? `a user before the password in ${form}` : { ...endpoint, user };
  } catch {
    return form;
  }
}

function readUser(
  environment: Environment,
  urls: readonly ParsedUrl[],
  report: Report,
): EtcdUser | undefined {
  const user = readVariable(environment, "ETCDCTL_USER", report)?.value;
  const password = readVariable(environment, "ETCDCTL_PASSWORD", report)?.value;
  if (user !== undefined && password !== undefined) return { name: user, password };
  if (user !== undefined) {
    const colon = user.indexOf(":");
    if (colon > 0) return { name: user.slice(0, colon), password: user.slice(colon + 1) };
    if (colon === 0)
      report({ variable: "ETCDCTL_USER", expected: "name or name:password, the name not empty" });
    else if (!environment["ETCDCTL_PASSWORD_FILE"]) {
      report({ variable: "ETCDCTL_PASSWORD", expected: "the password of the user in ETCDCTL_USER" });
    }
    return undefined;
  }
  const users = urls.flatMap((url) => (url.user ? [url.user] : []));
  const [first] = users;
  if (users.some(({ name, password }) => name !== first?.name || password !== first.password)) {
    report({
      variable: "ETCDCTL_ENDPOINTS",
      expected: "the same user and password in every URL that has them",
    });
  }
  if (password === undefined) return first;
  if (!first) report({ variable: "ETCDCTL_USER", expected: "a user to go with ETCDCTL_PASSWORD" });
  return first && { name: first.name, password };
}

function readTlsFiles(environment: Environment, report: Report): EtcdTlsFiles | undefined {
  const ca = pemPath(environment, "ETCDCTL_CACERT", report);
  const cert = pemPath(environment, "ETCDCTL_CERT", report);
  const key = pemPath(environment, "ETCDCTL_KEY", report);
  if (cert && !key)
    report({ variable: "ETCDCTL_KEY", expected: "the key of the certificate in ETCDCTL_CERT" });
  if (key && !cert)
    report({ variable: "ETCDCTL_CERT", expected: "the certificate of the key in ETCDCTL_KEY" });
  if (ca)
    tryContext(
      { ca: ca.pem },
      { variable: "ETCDCTL_CACERT", expected: "a file of PEM certificates", got: ca.path },
      report,
    );
  if (cert && key) {
    const expected = "a PEM certificate that ETCDCTL_KEY is the key of";
    tryContext(
      { cert: cert.pem, key: key.pem },
      { variable: "ETCDCTL_CERT", expected, got: cert.path },
      report,
    );
  }
  if (!ca && !cert) return undefined;
  return { ...(ca && { ca: ca.path }), ...(cert && key && { cert: cert.path, key: key.path }) };
}

function tryContext(
  parts: Parameters<typeof createSecureContext>[0],
  problem: EtcdSettingProblem,
  report: Report,
): void {
  try {
    if (parts?.ca && !String(parts.ca).includes("-----BEGIN CERTIFICATE-----"))
      throw new Error("no certificate");
    createSecureContext(parts);
  } catch {
    report(problem);
  }
}

function pemPath(
  environment: Environment,
  variable: string,
  report: Report,
): { path: string; pem: string } | undefined {
  const given = readVariable(environment, variable, report);
  if (!given) return undefined;
  if (given.file !== undefined && given.value.startsWith("-----BEGIN "))
    return { path: given.file, pem: given.value };
  try {
    return { path: given.value, pem: readFileSync(given.value, "utf8") };
  } catch (error) {
    report({
      variable,
      expected: `the path of a PEM file that can be read (${codeOf(error)})`,
      got: given.value,
    });
    return undefined;
  }
}

function readVariable(
  environment: Environment,
  variable: string,
  report: Report,
): { value: string; file?: string } | undefined {
  const value = environment[variable] || undefined;
  const file = environment[`${variable}_FILE`] || undefined;
  if (file === undefined) return value === undefined ? undefined : { value };
  if (value !== undefined) {
    report({ variable, expected: `either ${variable} or ${variable}_FILE, not both` });
    return { value };
  }
  try {
    const content = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    return content === "" ? undefined : { value: content, file };
  } catch (error) {
    report({
      variable: `${variable}_FILE`,
      expected: `a file that can be read (${codeOf(error)})`,
      got: file,
    });
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

function describeProblem({ variable, expected, got }: EtcdSettingProblem): string {
  return `${variable}: expected ${expected}${got === undefined ? "" : `, got ${JSON.stringify(got)}`}`;
}
