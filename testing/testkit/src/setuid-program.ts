import { execFileSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SOURCE = `#define _GNU_SOURCE
#include <unistd.h>
int main(int c, char **v) { (void)c; (void)!setresuid(0, 0, 0); execvp(v[1], v + 1); return 1; }
`;

/** Makes a program that makes itself root's by its setuid bit and becomes its arguments, in a folder that all may look into then. */
export function makeSetuidProgram(folder: string): string {
  const file = join(folder, "become-root");
  chmodSync(folder, 0o755);
  writeFileSync(`${file}.c`, SOURCE);
  execFileSync("cc", ["-o", file, `${file}.c`]);
  chmodSync(file, 0o4755);
  return file;
}
