import { copyFile } from "node:fs/promises";
import { createTlsFiles, type EtcdMember, enableAuth, startEtcd, tempDir, waitFor } from "@msdha/testkit";
import { describe, expect, test } from "vitest";
import { connectMember, EtcdAuthError, EtcdUnavailableError, waitForEtcd } from "../src/index.ts";
import { collect, settingsOf } from "./support.ts";

const limit = { timeoutMs: 5_000 };
const app = { name: "app", password: "sesame, open!" };
const auth = { rootPassword: "secret", users: [{ ...app, prefix: "app/" }] };
const own = { key: "app/", prefix: true };
const foreign = { key: "other/", prefix: true };

/** Message and every cause of an error, as a careless logger prints them. */
function everything(error: Error): string {
  const cause = error.cause instanceof Error ? everything(error.cause) : "";
  return `${error.message} ${error.stack} ${JSON.stringify(error)} ${cause}`;
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => new Error("expected a failure, got none"),
    (error) => error,
  );
}

/** Restarts etcd without its tokens: those that are not yet on disk as applied would come back with the log. */
async function forgetTokens(etcd: EtcdMember): Promise<void> {
  await etcd.etcdctl("put", "flush", "1");
  const [, revision] = /"revision":(\d+)/.exec(await etcd.etcdctl("get", "flush", "-w", "json")) ?? [];
  await etcd.etcdctl("compact", "--physical", revision as string);
  await etcd.restart();
}

describe("with authentication on", () => {
  test("the user's own keys are open and others are refused, for watches too", async () => {
    await using etcd = await startEtcd({ auth });
    await using member = connectMember(settingsOf([etcd], app), 0);
    await member.txn(
      { compare: [], success: [{ type: "put", key: "app/a", value: "1" }], failure: [] },
      limit,
    );
    expect((await member.range(own, limit)).kvs).toHaveLength(1);
    const refused = await failureOf(member.range(foreign, limit));
    expect(refused).toBeInstanceOf(EtcdAuthError);
    expect(refused.message).toMatch(/^etcd at 127\.0\.0\.1:\d+: permission denied$/);
    const watch = collect(member.watch(foreign, { signal: new AbortController().signal }));
    expect(await watch.ended).toBeInstanceOf(EtcdAuthError);
  });

  test("a wrong password, an unknown user and no user are refused at once, and no password is told", async () => {
    await using etcd = await startEtcd({ auth });
    const wrong = [
      { ...app, password: "n0t-this-one" },
      { name: "nobody", password: "n0t-this-one" },
      undefined,
    ];
    for (const user of wrong) {
      await using member = connectMember(settingsOf([etcd], user), 0);
      const failures = await Promise.all([
        failureOf(member.range(own, limit)),
        failureOf(
          member.txn(
            { compare: [], success: [{ type: "put", key: "app/a", value: "1" }], failure: [] },
            limit,
          ),
        ),
        failureOf(waitForEtcd(member, { timeoutMs: 60_000 })),
        collect(member.watch(own, { signal: new AbortController().signal })).ended,
      ]);
      for (const error of failures) {
        expect(error).toBeInstanceOf(EtcdAuthError);
        expect(error.message).not.toContain("etcdserver");
        expect(everything(error)).not.toContain("n0t-this-one");
      }
    }
  });

  test("a user is waited for with whatever rights it has, but not where it may not read what was asked for", async () => {
    await using etcd = await startEtcd({ auth });
    await using member = connectMember(settingsOf([etcd], app), 0);
    await waitForEtcd(member, { timeoutMs: 60_000 });
    await expect(waitForEtcd(member, { timeoutMs: 60_000, range: foreign })).rejects.toThrow(EtcdAuthError);
  });

  test("tokens that etcd has forgotten are renewed, for calls and for watches", async () => {
    await using etcd = await startEtcd({ auth });
    await using member = connectMember(settingsOf([etcd], app), 0);
    await using other = connectMember(settingsOf([etcd], app), 0);
    await Promise.all([member.range(own, limit), other.range(own, limit)]);
    await forgetTokens(etcd);
    await etcd.ready();
    // The other one's first call after the restart is a watch, which etcd 3.4 refuses as "permission denied".
    const stop = new AbortController();
    const watch = collect(other.watch(own, { signal: stop.signal }));
    expect((await member.range(own, limit)).kvs).toEqual([]);
    await waitFor(() => watch.messages.length > 0, { what: "the watch to be open" });
    await etcd.etcdctl("put", "app/a", "1");
    await waitFor(() => watch.values().length > 0, { what: "the event" });
    stop.abort();
  });

  test("calls that come together ask for one token", async () => {
    await using etcd = await startEtcd({ auth });
    await using member = connectMember(settingsOf([etcd], app), 0);
    await Promise.all(Array.from({ length: 20 }, () => member.range(own, limit)));
    const metrics = await (await fetch(`${etcd.endpoint}/metrics`)).text();
    const asked = /grpc_server_handled_total\{grpc_code="OK",grpc_method="Authenticate",[^}]*\} (\d+)/.exec(
      metrics,
    );
    // One is etcdctl's, which waited for etcd to be ready.
    expect(Number(asked?.[1])).toBeLessThanOrEqual(2);
  });
});

test("a user is no hindrance while authentication is off, and is shown once it is switched on", async () => {
  await using etcd = await startEtcd();
  await using member = connectMember(settingsOf([etcd], app), 0);
  expect((await member.range(own, limit)).kvs).toEqual([]);
  await enableAuth(etcd, auth);
  expect((await member.range(own, limit)).kvs).toEqual([]);
  const watch = collect(member.watch(own, { signal: new AbortController().signal }));
  await waitFor(() => watch.messages.length > 0, { what: "the watch to be open" });
});

describe("with TLS", () => {
  test("a member is reached by certificates, and a name that they are not for is not trusted", async () => {
    await using etcd = await startEtcd({ tls: true });
    const settings = settingsOf([etcd]);
    await using member = connectMember(settings, 0);
    expect((await member.range(own, limit)).kvs).toEqual([]);
    const byName = { ...settings, endpoints: [{ address: `localhost:${etcd.clientPort}`, secure: true }] };
    await using named = connectMember(byName, 0);
    expect((await named.range(own, limit)).kvs).toEqual([]);
    const otherAddress = {
      ...settings,
      endpoints: [{ address: `127.0.0.2:${etcd.clientPort}`, secure: true }],
    };
    await using other = connectMember(otherAddress, 0);
    expect(await failureOf(other.range(own, limit))).toBeInstanceOf(EtcdUnavailableError);
  });

  test("a client certificate that is missing or strange is told as a refusal", async () => {
    await using etcd = await startEtcd({ tls: true });
    await using folder = tempDir();
    const strange = await createTlsFiles(folder.path);
    const settings = settingsOf([etcd]);
    const ca = etcd.tls?.caCert as string;
    for (const tls of [{ ca }, { ca, cert: strange.clientCert, key: strange.clientKey }]) {
      await using member = connectMember({ ...settings, tls }, 0);
      const error = await failureOf(member.range(own, limit));
      expect(error).toBeInstanceOf(EtcdAuthError);
      expect(error.message).toMatch(
        /^etcd at 127\.0\.0\.1:\d+ refused the client certificate: .*(bad certificate|certificate required|unknown ca)$/,
      );
    }
  });

  test("a server that is not trusted, or speaks no TLS, is told as unavailable, and why", async () => {
    await using etcd = await startEtcd({ tls: true });
    await using plain = await startEtcd();
    await using folder = tempDir();
    const { caCert } = await createTlsFiles(folder.path);
    const settings = settingsOf([etcd]);
    const tries = [
      {
        settings: { ...settings, tls: { ...settings.tls, ca: caCert } },
        why: /TLS failed: unable to verify/,
      },
      { settings: { endpoints: settings.endpoints }, why: /TLS failed: unable to verify/ },
      { settings: { ...settings, tls: { ca: "/nowhere/ca.crt" } }, why: /ENOENT/ },
      {
        settings: { ...settings, endpoints: [{ address: `127.0.0.1:${plain.clientPort}`, secure: true }] },
        why: /TLS failed/,
      },
      {
        settings: { endpoints: [{ address: `127.0.0.1:${etcd.clientPort}`, secure: false }] },
        why: /does it want https/,
      },
    ];
    for (const { settings, why } of tries) {
      await using member = connectMember(settings, 0);
      const error = await failureOf(member.range(own, limit));
      expect(error).toBeInstanceOf(EtcdUnavailableError);
      expect(error.message).toMatch(why);
      expect(error.message).not.toContain("\n");
    }
  });

  test("files that are renewed in place are taken for the next connection", async () => {
    await using etcd = await startEtcd({ tls: true });
    await using folder = tempDir();
    const strange = await createTlsFiles(folder.path);
    const tls = { ca: etcd.tls?.caCert as string, cert: strange.clientCert, key: strange.clientKey };
    await using member = connectMember({ ...settingsOf([etcd]), tls }, 0);
    expect(await failureOf(member.range(own, limit))).toBeInstanceOf(EtcdAuthError);
    await copyFile(etcd.tls?.clientCert as string, tls.cert);
    await copyFile(etcd.tls?.clientKey as string, tls.key);
    expect((await member.range(own, limit)).kvs).toEqual([]);
  });

  test("the certificate's name is the user where no other is set", async () => {
    await using etcd = await startEtcd({ tls: true, auth });
    await using member = connectMember(settingsOf([etcd]), 0);
    expect((await member.range(foreign, limit)).kvs).toEqual([]);
  });
});
