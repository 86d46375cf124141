import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import { lookForAnswer } from "./hang.ts";

async function listen(file: string, onRequest: (request: Buffer, answer: (text: string) => void) => void) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (request) => onRequest(request, (text) => socket.end(text)));
  });
  await new Promise<void>((resolve) => server.listen(file, resolve));
  return { [Symbol.asyncDispose]: () => close(server) };
}

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

test("takes any answer to the request for TLS as a sign of life", async () => {
  await using dir = tempDir();
  const file = join(dir.path, "s");
  await using _ = await listen(file, (request, answer) => answer(request.length === 8 ? "N" : ""));
  expect(await lookForAnswer(file, { timeoutMs: 5_000 })).toBe("answers");
});

test("calls a server silent that takes the connection and says nothing", async () => {
  await using dir = tempDir();
  const file = join(dir.path, "s");
  await using _ = await listen(file, () => {});
  expect(await lookForAnswer(file, { timeoutMs: 50 })).toBe("silent");
});

test("calls a server away where nothing listens", async () => {
  await using dir = tempDir();
  expect(await lookForAnswer(join(dir.path, "s"), { timeoutMs: 5_000 })).toBe("away");
});
