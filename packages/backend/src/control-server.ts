import { rm } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { claim, getValue, isName, mastership, plainState, putValue } from "@msdha/group";
import { z } from "zod";
import { CONTROL_SOCKET, type NodeStatus } from "./control-protocol.ts";
import type { Node } from "./node.ts";

const key = z.string().refine(isName, "expected a key without / or white space, not beginning with _ . or -");
const value = z.string().max(65_536, "expected a value of at most 65536 characters");
const claimRequest = z.object({ key, value, lease: z.boolean() });
const putRequest = z.object({ key, value });
const getRequest = z.object({ key });
const LONGEST_REQUEST = 256 * 1024;
const CALL_TIMEOUT_MS = 30_000;

/**
 * Serves hooks on a unix socket that only the node's own user can open: `GET /status`, and `POST` of `/claim`, `/put`
 * and `/get`. Disposing stops it. Rejects when the socket can't be made.
 */
export async function serveControl(
  dir: string,
  currentNode: () => Node | undefined,
): Promise<AsyncDisposable> {
  const path = join(dir, CONTROL_SOCKET);
  await rm(path, { force: true });
  const server = createServer((request, response) => {
    handle(request, currentNode()).then(
      (answer) => reply(response, 200, answer),
      (error: unknown) =>
        reply(response, 500, { error: error instanceof Error ? error.message : String(error) }),
    );
  });
  const umask = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(umask);
  }
  server.unref();
  return {
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await rm(path, { force: true });
    },
  };
}

async function handle(request: IncomingMessage, node: Node | undefined): Promise<unknown> {
  if (!node) throw new Error("the node has not joined its group yet");
  const route = `${request.method} ${request.url}`;
  if (route === "GET /status") return describeNode(node);
  const body: unknown = JSON.parse(await readBody(request));
  const { etcd, lease, follower, lock, waited } = node;
  const { keys } = follower.view;
  const call = { timeoutMs: CALL_TIMEOUT_MS, signal: lease.lost };
  switch (route) {
    case "POST /claim": {
      const asked = read(claimRequest, body);
      const onLease = asked.lease ? lease.id : undefined;
      return { value: await claim(etcd, keys, asked.key, asked.value, { ...call, lease: onLease }) };
    }
    case "POST /put": {
      const asked = read(putRequest, body);
      if (!lock || !waited) throw new Error("only the master may put a value");
      await putValue(etcd, keys, asked.key, asked.value, { ...call, lock });
      return {};
    }
    case "POST /get":
      return { value: (await getValue(etcd, keys, read(getRequest, body).key, call)) ?? null };
    default:
      throw new Error(`there is no ${route}`);
  }
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map((issue) => issue.message).join("; "));
}

function describeNode({ config, membership, follower, ended, changes }: Node): NodeStatus {
  const master = mastership(follower.view);
  return {
    group: config.group,
    node: config.name,
    state: membership.state,
    ending: ended.aborted,
    master: master.kind === "master" ? master.name : null,
    masterAddress: master.kind === "master" ? master.address : null,
    nodes: Object.fromEntries([...follower.view.nodes].map(([name, { state }]) => [name, plainState(state)])),
    addresses: Object.fromEntries([...follower.view.details].map(([name, { address }]) => [name, address])),
    nodeStateChangeFailures: changes.failures,
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > LONGEST_REQUEST) throw new Error("the request is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
