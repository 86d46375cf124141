import type { EtcdSettings } from "./settings.ts";

/**
 * Returns the settings that were given. Throws a `TypeError` that says what was expected where they are none. It shows no text
 * of theirs: one in the wrong place may hold a password.
 */
export function checkSettings(settings: unknown): EtcdSettings {
  const { endpoints, user, tls } = expectObject("etcd's settings or URLs", settings);
  if (!Array.isArray(endpoints))
    throw new TypeError(`expected endpoints as an array, got ${show(endpoints)}`);
  if (endpoints.length === 0) throw new TypeError("expected at least one endpoint, got none");
  for (const endpoint of endpoints) checkEndpoint(endpoint);
  if (user !== undefined) {
    const { name, password } = expectObject("the user", user);
    if (typeof name !== "string" || name === "" || typeof password !== "string")
      throw new TypeError(
        `expected the user's name and password as strings, got ${show(name)} and ${show(password)}`,
      );
  }
  if (tls !== undefined) expectObject("the TLS files", tls);
  return settings as EtcdSettings;
}

function checkEndpoint(endpoint: unknown): void {
  const { address, secure = false } = expectObject("an endpoint", endpoint);
  if (typeof address !== "string" || !/^[^\s/@]+$/.test(address)) {
    const got = typeof address === "string" ? "another string" : show(address);
    throw new TypeError(`expected an endpoint's address as host:port, with no scheme or user, got ${got}`);
  }
  if (typeof secure !== "boolean")
    throw new TypeError(`expected an endpoint's "secure" as true or false, got ${show(secure)}`);
}

function expectObject(what: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Record<string, unknown>;
  throw new TypeError(`expected ${what}, got ${show(value)}`);
}

function show(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value === "") return '""';
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}
