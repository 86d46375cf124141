import { expect, test } from "vitest";
import { conninfo } from "./conninfo.ts";
import type { Settings } from "./settings.ts";

const settings = {
  port: 5432,
  replicator: "it's",
  home: "/run/pg",
  tls: undefined,
  walSenderTimeoutMs: 6_000,
} as unknown as Settings;

test("a site's settings for the role or the database do not reach PostgreSQL's own programs", () => {
  const text = conninfo(settings, "10.0.0.1");
  expect(text).toContain("user='it\\'s'");
  expect(text).toMatch(/options='[^']*-c statement_timeout=0 [^']*-c default_transaction_read_only=off /);
  // What libpq makes of it has one backslash before the space, for the server.
  expect(text).toContain("-c default_transaction_isolation=read\\\\ committed ");
});

test("settings of newer servers are set only where the server knows them", () => {
  const text = (version?: number) => conninfo(settings, "10.0.0.1", version === undefined ? {} : { version });
  expect(text(17)).toContain(" -c idle_session_timeout=0 -c transaction_timeout=0'");
  expect(text(16)).toContain(" -c idle_session_timeout=0'");
  expect(text(13)).not.toContain("idle_session_timeout");
  expect(text()).not.toContain("idle_session_timeout");
});

test("a standby is called by its name, and is dropped when it takes no data", () => {
  const text = conninfo(settings, "10.0.0.1", { standby: "b" });
  expect(text).toContain("application_name='b'");
  expect(text).toContain("options='-c tcp_user_timeout=12000'");
});
