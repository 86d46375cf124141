import { request } from "node:http";
import { join } from "node:path";
import { CONTROL_SOCKET, type NodeStatus } from "./control-protocol.ts";

/** Asks the node whose run folder this is how it is. */
export async function askStatus(runDir: string): Promise<NodeStatus> {
  return (await ask(runDir, "GET", "/status")) as NodeStatus;
}

/** Claims a value through the node whose run folder this is; resolves with the value that the group has. */
export async function askClaim(
  runDir: string,
  claim: { readonly key: string; readonly value: string; readonly lease: boolean },
): Promise<string> {
  return ((await ask(runDir, "POST", "/claim", claim)) as { value: string }).value;
}

/** Stores a value with the group, as its master; rejects when the node is not. */
export async function askPut(
  runDir: string,
  value: { readonly key: string; readonly value: string },
): Promise<void> {
  await ask(runDir, "POST", "/put", value);
}

/** Reads a value of the group; undefined when there is none. */
export async function askGet(runDir: string, key: string): Promise<string | undefined> {
  return ((await ask(runDir, "POST", "/get", { key })) as { value: string | null }).value ?? undefined;
}

function ask(runDir: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const socketPath = join(runDir, CONTROL_SOCKET);
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path, agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        const answer = JSON.parse(text) as { error?: string };
        if (response.statusCode === 200) resolve(answer);
        else reject(new Error(answer.error ?? `the node answered ${response.statusCode}`));
      });
      response.on("error", reject);
    });
    call.on("error", (error) => reject(new Error(`no node answers at ${socketPath}: ${error.message}`)));
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
