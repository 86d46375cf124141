import { execFile } from "node:child_process";
import { expect, test } from "vitest";
import { msdhaCommand } from "./support/paths.ts";

/** Something that never ends by itself, as the answer of a resolver that is away. */
const OPEN_FOR_EVER = "data:text/javascript,setInterval(()=>{},1e6)";

test.each([
  ["with what it was asked for", ["--help"], 0],
  ["with an error", ["list", "--group", "no/group"], 78],
])("msdha ends %s, whatever is still open, and with all that it wrote", async (_, args, code) => {
  const run = await new Promise<{ code: unknown; text: string; killed: boolean }>((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: `--import=${OPEN_FOR_EVER}` };
    execFile(msdhaCommand, args, { env, timeout: 30_000 }, (error, out, err) =>
      resolve({ code: error?.code ?? 0, text: out + err, killed: error?.killed ?? false }),
    );
  });
  expect(run).toMatchObject({ killed: false, code });
  expect(run.text).toMatch(/.\n$/);
});

test("msdha says that its output can't be written, and does not end as if nobody read it", async () => {
  const run = await new Promise<{ code: unknown; text: string }>((resolve) => {
    const script = 'exec "$0" --help >/dev/full';
    execFile("sh", ["-c", script, msdhaCommand], { timeout: 30_000 }, (error, out, err) =>
      resolve({ code: error?.code ?? 0, text: out + err }),
    );
  });
  expect(run).toEqual({
    code: 74,
    text: expect.stringMatching(/^msdha: the output can't be written: ENOSPC.*\n$/),
  });
});
