import { readFileSync } from "node:fs";
import type { TLSSocket } from "node:tls";
import { systemClock } from "@msdha/clock";
import {
  connectEtcd,
  type EtcdEndpoint,
  type EtcdSettings,
  type EtcdTlsFiles,
  isEtcdError,
} from "@msdha/etcd-client";
import type { EndpointFacts } from "./check-etcd.ts";
import { measureClock } from "./measure-clock.ts";

const CALL_MS = 3_000;
const LONGEST_PAGE = 4_000_000;

/**
 * Asks one endpoint of etcd by itself: a read by quorum, its version, its pages about health and size, and its
 * clock, which takes some seconds. Never rejects.
 */
export async function askEndpoint(
  settings: EtcdSettings,
  endpoint: EtcdEndpoint,
  key: string,
): Promise<EndpointFacts> {
  const { address, secure } = endpoint;
  const name = `${secure ? "https" : "http"}://${address}`;
  await using client = connectEtcd({ ...settings, endpoints: [endpoint] });
  try {
    // The first call opens the connection.
    const [member] = await client.inspect({ timeoutMs: CALL_MS });
    const asked = performance.now();
    // etcd reads by quorum before it looks whether the user may: a refusal is an answer.
    await client.range({ key }, { timeoutMs: CALL_MS }).catch((error) => {
      if (!isEtcdError(error, "ERR_ETCD_AUTH")) throw error;
    });
    const readMs = performance.now() - asked;
    const [pages, clock] = await Promise.all([
      readPages(name, settings.tls),
      measureClock(name, {
        ask: async () => (await readPage(`${name}/version`, settings.tls)).date,
        clock: systemClock,
        wallNow: Date.now,
      }),
    ]);
    return { endpoint: name, version: member?.version, readMs, ...pages, clock };
  } catch (error) {
    return { endpoint: name, error: error instanceof Error ? error.message : String(error) };
  }
}

/** What etcd says over HTTP on its port for clients; nothing where it does not. */
async function readPages(url: string, files: EtcdTlsFiles | undefined): Promise<Partial<EndpointFacts>> {
  const [health, metrics] = await Promise.all(
    ["/health", "/metrics"].map((path) => readPage(url + path, files).catch(() => undefined)),
  );
  const value = (name: string): number | undefined => {
    const [, text] = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(metrics?.text ?? "") ?? [];
    return text === undefined ? undefined : Number(text);
  };
  return {
    alarm: readAlarm(health?.text ?? ""),
    bytes: value("etcd_mvcc_db_total_size_in_bytes"),
    quotaBytes: value("etcd_server_quota_backend_bytes"),
    revision: value("etcd_debugging_mvcc_current_revision"),
    compactedTo: value("etcd_debugging_mvcc_compact_revision"),
    certificateEnd: health?.certificateEnd,
  };
}

/** What a health page says of an alarm. Up to etcd 3.4 it says no reason; but a member that has just read by quorum has a leader. */
function readAlarm(health: string): string | undefined {
  if (!/"health":\s*"?false/.test(health)) return undefined;
  const [, reason = "ALARM"] = /"reason":\s*"([^"]*)"/.exec(health) ?? [];
  return `not healthy: ${reason}`;
}

interface Page {
  readonly text: string;
  readonly certificateEnd: number | undefined;
  /** The member's time when it answered, in whole seconds, in ms since 1970. */
  readonly date: number | undefined;
}

async function readPage(url: string, files: EtcdTlsFiles | undefined): Promise<Page> {
  const read = (file: string | undefined): Buffer | undefined =>
    file === undefined ? undefined : readFileSync(file);
  const secure = url.startsWith("https:");
  const tls = secure ? { ca: read(files?.ca), cert: read(files?.cert), key: read(files?.key) } : {};
  // Loaded only here: it takes 20 ms, which every run of the command would pay for.
  const { request } = secure ? await import("node:https") : await import("node:http");
  return await new Promise((resolve, reject) => {
    const ask = request(url, { ...tls, timeout: CALL_MS }, (response) => {
      let text = "";
      // The response has no socket any more at its end.
      const certificateEnd = endOfCertificate(response.socket as TLSSocket);
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > LONGEST_PAGE) ask.destroy(new Error("the page is too long"));
      });
      response.once("error", reject);
      const date = Date.parse(response.headers.date ?? "");
      response.once("end", () =>
        resolve({ text, certificateEnd, date: Number.isNaN(date) ? undefined : date }),
      );
    });
    ask.once("timeout", () => ask.destroy(new Error("no answer in time")));
    ask.once("error", reject);
    ask.end();
  });
}

function endOfCertificate(socket: TLSSocket): number | undefined {
  const end = socket.encrypted ? Date.parse(socket.getPeerCertificate().valid_to) : Number.NaN;
  return Number.isNaN(end) ? undefined : end;
}
