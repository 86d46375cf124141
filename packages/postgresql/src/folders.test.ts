import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { expect, test } from "vitest";
import type { HookContext } from "./context.ts";
import { writeOut } from "./folders.ts";

/** Writes a folder out with this program in the place of the system's `sync`. */
async function writeOutWith(sync: string): Promise<void> {
  await using folder = tempDir();
  const programs = join(folder.path, "bin");
  mkdirSync(programs);
  writeFileSync(join(programs, "sync"), sync);
  chmodSync(join(programs, "sync"), 0o755);
  const env = { PATH: `${programs}:${process.env["PATH"]}` };
  await writeOut({ env, signal: new AbortController().signal } as unknown as HookContext, folder.path);
}

const fails = 'echo "sync: error syncing: Input/output error" >&2; exit 1';

test("says that a file system could not be written out", async () => {
  const gnu = `#!/bin/sh\ncase $1 in --help) echo "-f, --file-system" ;; -f) ${fails} ;; esac\n`;
  await expect(writeOutWith(gnu)).rejects.toThrow(/can't write .* to the disk: .*Input\/output error/);
  const busybox = `#!/bin/sh\ncase $1 in --help) echo "Usage: sync [-df] [FILE]..." >&2; exit 1 ;; -f) ${fails} ;; esac\n`;
  await expect(writeOutWith(busybox)).rejects.toThrow(/Input\/output error/);
});

test("writes all file systems out where sync can't do one", async () => {
  await writeOutWith(
    `#!/bin/sh\ncase $1 in "") exit 0 ;; *) echo "sync: unknown option" >&2; exit 1 ;; esac\n`,
  );
  await writeOutWith('#!/bin/sh\nexec /bin/sync "$@"\n');
});
