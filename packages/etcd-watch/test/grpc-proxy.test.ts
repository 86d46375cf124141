import { join } from "node:path";
import { systemClock } from "@msdha/clock";
import { getFreePort, startChild, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { expect, test } from "vitest";
import { connect, put, record } from "./harness.ts";

/** Short, so that a minute of quiet takes some seconds. */
const progressIntervalMs = 500;

test("a quiet watch through etcd's grpc-proxy is not given up again and again, and tells what comes", async () => {
  await using member = await startEtcd();
  await using folder = tempDir();
  const port = await getFreePort();
  await using proxy = startChild(
    "etcd",
    [
      "grpc-proxy",
      "start",
      `--endpoints=${member.endpoint}`,
      `--listen-addr=127.0.0.1:${port}`,
      // etcd 3.5 reaches itself there, and ends where it does not.
      `--advertise-client-url=127.0.0.1:${port}`,
      `--data-dir=${folder.path}`,
    ],
    { logFile: join(folder.path, "log") },
  );
  await using etcd = connect([port]);
  await waitFor(() => etcd.range({ key: "x" }, { timeoutMs: 1_000 }).then(() => true), { what: "the proxy" });
  await using watch = record(etcd, "/p/", { progressIntervalMs });
  const begun = systemClock.now();
  await waitFor(() => systemClock.now() > begun + 24 * progressIntervalMs, {
    what: "some quiet",
    timeoutMs: 30_000,
  });
  const troubles = watch.health.filter(({ up }) => !up);
  expect(troubles.length).toBeLessThanOrEqual(2);
  expect(troubles.every(({ at }) => at < begun + 8 * progressIntervalMs)).toBe(true);
  await put(etcd, "/p/a", "1");
  await waitFor(() => watch.state.get("/p/a")?.value === "1", { what: "the event" });
  expect(watch.batches.filter((batch) => batch.type === "changes" && batch.resync)).toEqual([]);
  expect(proxy.running).toBe(true);
});
