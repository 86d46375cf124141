import { waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { deployStack } from "../support/stack.ts";

const PASSWORD = "change-me";
/** At the TTL of 10 s that the example has. */
const FIRST_MASTER = { what: "the first master", timeoutMs: 120_000, intervalMs: 500 };

const isOurs = process.env["MSDHA_OWN_ENGINE"] === "yes";
const unlessOurs = isOurs ? "" : " (skipped: it would make the machine's own engine a Swarm)";
test.skipIf(!isOurs)(`stack.yaml makes a group in a Swarm${unlessOurs}`, async () => {
  await using stack = await deployStack("images/examples/stack.yaml");
  // By the address of a frontend's task: the kernel may lack what Swarm spreads connections with.
  const url = `postgresql://postgres:${PASSWORD}@tasks.front:5432/postgres`;
  await waitFor(() => stack.exec("db1", "psql", "-Atc", "SELECT pg_is_in_recovery()", url), FIRST_MASTER);
  expect(await stack.exec("db1", "psql", "-Atc", "SELECT pg_is_in_recovery()", url)).toBe("f");
});
