import { readTlsFiles } from "./read-tls-files.ts";
import { type Environment, type Report, readVariable } from "./read-variable.ts";
import type { EtcdEndpoint, EtcdSettings, EtcdUser } from "./settings.ts";
import { type EtcdSettingProblem, EtcdSettingsError } from "./settings-error.ts";

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
 * Throws an `EtcdSettingsError` with all problems together. Looks at the files, and at nothing else outside.
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

/**
 * Returns the settings that one text of comma-separated URLs gives, as in `ETCDCTL_ENDPOINTS`. Throws a `TypeError` that
 * says what was expected, without showing the text: it may hold a password.
 */
export function parseEndpoints(urls: string): EtcdSettings {
  if (urls.trim() === "")
    throw new TypeError("expected one or more URLs of etcd, comma-separated, got an empty text");
  try {
    return readEtcdSettings({ ETCDCTL_ENDPOINTS: urls });
  } catch (error) {
    if (!(error instanceof EtcdSettingsError)) throw error;
    const expected = error.problems.map((problem) => problem.expected).join("; ");
    throw new TypeError(`the URLs of etcd: expected ${expected}`);
  }
}

function readUrls(environment: Environment, secureByDefault: boolean, report: Report): readonly ParsedUrl[] {
  const variable = "ETCDCTL_ENDPOINTS";
  const given = readVariable(environment, variable, report);
  if (!given) report({ variable, expected: "one or more URLs of etcd, comma-separated: it is required" });
  if (given?.value === undefined) return [];
  const entries = given.value.split(",").map((entry) => entry.trim());
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
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") return `${form}, no other scheme`;
  // `new URL` would leave them out, and take a key for a host.
  if (/[\t\r\n]/.test(entry)) return `${form}, without tabs or line ends`;
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
  const givenPassword = readVariable(environment, "ETCDCTL_PASSWORD", report);
  const password = givenPassword?.value;
  if (user !== undefined && password !== undefined) return { name: user, password };
  if (user !== undefined) {
    const colon = user.indexOf(":");
    if (colon > 0) return { name: user.slice(0, colon), password: user.slice(colon + 1) };
    if (colon === 0)
      report({ variable: "ETCDCTL_USER", expected: "name or name:password, the name not empty" });
    else if (!givenPassword) {
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
