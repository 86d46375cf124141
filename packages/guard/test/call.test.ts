import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import { guardBinary } from "../src/binary.ts";

interface Called {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function call(socket: string, ...args: readonly string[]): Promise<Called> {
  return new Promise((resolve) => {
    const env = { LETTER: "dear" };
    const options = { env, encoding: "utf8" } as const;
    execFile(guardBinary(), ["--call", "program", socket, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

/** Answers every question with these pieces, one after the other, and keeps the words of the last one. */
async function serve(path: string, pieces: readonly (string | number)[]) {
  let words: readonly string[] = [];
  let environment = "";
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += String(chunk);
    });
    socket.on("end", async () => {
      words = text.split("\0").slice(0, -1);
      environment = readFileSync(`/proc/${words[0]}/environ`, "utf8");
      for (const piece of pieces) {
        socket.write(typeof piece === "number" ? Buffer.of(piece) : piece);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    words: () => words,
    environment: () => environment,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}

test("passes on what comes before the answer, and the answer", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "socket");
  const long = "x".repeat(10_000);
  await using server = await serve(path, [255, "one\n\0", 255, long, "\n\0", 0, "two", "\n"]);
  expect(await call(path, "hook", "an argument", "")).toEqual({
    code: 0,
    stdout: "two\n",
    stderr: `one\n${long}\n`,
  });
  expect(server.words()).toEqual([expect.stringMatching(/^\d+$/), "hook", "an argument", ""]);
  expect(server.environment().split("\0")).toContain("LETTER=dear");
});

test("writes the text of a failure to the standard error", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "socket");
  await using _ = await serve(path, [3, "no\n"]);
  expect(await call(path)).toEqual({ code: 3, stdout: "", stderr: "no\n" });
});

test.each([
  ["before it answers", []],
  ["after a piece of text", [255, "half"]],
  ["after a whole one", [255, "half\0"]],
])("ends with code 76 when the server ends %s", async (_, pieces) => {
  await using dir = tempDir();
  const path = join(dir.path, "socket");
  await using server = await serve(path, pieces);
  expect(await call(path)).toEqual({ code: 76, stdout: "", stderr: pieces.length === 0 ? "" : "half" });
  const args = ["--call-or", "/bin/echo", "program", path, "hook", "an argument"];
  expect((await promisify(execFile)(guardBinary(), args)).stdout).toBe("76 hook an argument\n");
  expect(server.words()).toEqual([expect.stringMatching(/^\d+$/), "hook", "an argument"]);
});

test("says nothing and ends with code 75 where nothing listens", async () => {
  await using dir = tempDir();
  expect(await call(join(dir.path, "socket"))).toEqual({ code: 75, stdout: "", stderr: "" });
});

test("executes another command with the code and the arguments where nothing listens", async () => {
  await using dir = tempDir();
  const args = ["--call-or", "/bin/echo", "program", join(dir.path, "socket"), "hook", "an argument"];
  expect((await promisify(execFile)(guardBinary(), args)).stdout).toBe("75 hook an argument\n");
});

test("asks, and executes nothing else, where a server listens", async () => {
  await using dir = tempDir();
  const path = join(dir.path, "socket");
  await using server = await serve(path, [0, "two\n"]);
  const args = ["--call-or", "/bin/false", "program", path, "hook"];
  expect((await promisify(execFile)(guardBinary(), args)).stdout).toBe("two\n");
  expect(server.words()).toEqual([expect.stringMatching(/^\d+$/), "hook"]);
});
