import { request } from "node:http";
import { join } from "node:path";
import { STATUS_SOCKET } from "./run-dir.ts";
import type { FrontendStatus } from "./status.ts";

const TIMEOUT_MS = 5_000;

/** Asks the frontend that uses a run folder for its status. Rejects when none answers within 5 s. */
export function askStatus(runDir: string): Promise<FrontendStatus> {
  const socketPath = join(runDir, STATUS_SOCKET);
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void =>
      reject(new Error(`no frontend answers on ${socketPath}: ${error.message}`));
    const ask = request({ socketPath, path: "/status", timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("error", fail);
      response.once("end", () => {
        const body = Buffer.concat(chunks).toString();
        if (response.statusCode === 200) resolve(JSON.parse(body) as FrontendStatus);
        else fail(new Error(`${response.statusCode} ${body.trim()}`));
      });
    });
    ask.once("timeout", () => ask.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
    ask.once("error", fail);
    ask.end();
  });
}
