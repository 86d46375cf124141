import { readFileSync } from "node:fs";
import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import type { TLSSocket } from "node:tls";
import { connectEtcd, type EtcdEndpoint, type EtcdSettings, type EtcdTlsFiles } from "@msdha/etcd-client";
import type { EndpointFacts } from "./check-etcd.ts";

const CALL_MS = 3_000;
const LONGEST_PAGE = 4_000_000;

/** Asks one endpoint of etcd by itself: a read by quorum, its version, and its pages about health and size. Never rejects. */
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
    await client.range({ key }, { timeoutMs: CALL_MS });
    const readMs = performance.now() - asked;
    return { endpoint: name, version: member?.version, readMs, ...(await readPages(name, settings.tls)) };
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
  const [, reason] = /"reason":\s*"([^"]*ALARM[^"]*)"/.exec(health?.text ?? "") ?? [];
  return {
    alarm: reason,
    bytes: value("etcd_mvcc_db_total_size_in_bytes"),
    quotaBytes: value("etcd_server_quota_backend_bytes"),
    certificateEnd: health?.certificateEnd,
  };
}

interface Page {
  readonly text: string;
  readonly certificateEnd: number | undefined;
}

function readPage(url: string, files: EtcdTlsFiles | undefined): Promise<Page> {
  const read = (file: string | undefined): Buffer | undefined =>
    file === undefined ? undefined : readFileSync(file);
  const secure = url.startsWith("https:");
  const tls = secure ? { ca: read(files?.ca), cert: read(files?.cert), key: read(files?.key) } : {};
  return new Promise((resolve, reject) => {
    const ask = (secure ? requestHttps : requestHttp)(url, { ...tls, timeout: CALL_MS }, (response) => {
      let text = "";
      // The response has no socket any more at its end.
      const certificateEnd = endOfCertificate(response.socket as TLSSocket);
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > LONGEST_PAGE) ask.destroy(new Error("the page is too long"));
      });
      response.once("error", reject);
      response.once("end", () => resolve({ text, certificateEnd }));
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
