import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const page = readFileSync(fileURLToPath(new URL("../../../docs/hooks.md", import.meta.url)), "utf8");

/** The first script of the section of docs/hooks.md that has the hook in its heading. */
export function scriptOf(hook: string): string {
  const section = page.split(/^## /m).find((text) => /^\d.*/.exec(text)?.[0].includes(`\`${hook}\``)) ?? "";
  const script = /```sh\n(#!\/bin\/sh\n.*?)```/s.exec(section)?.[1];
  if (script === undefined) throw new Error(`docs/hooks.md has no script of ${hook}`);
  return script;
}

/** What the table says about `alive`, as scripts, by what is asked. */
export const aliveScripts: ReadonlyMap<string, string> = new Map(
  [...page.matchAll(/^\| (TCP|HTTP|Redis|PostgreSQL|SQL) +\| `(.*?)`(?: |$)/gm)].map(
    ([, what = "", hook = ""]) => [what, `#!/bin/sh\n${hook}\n`],
  ),
);

/** The lines about `msdha-backend claim`. */
export const claimScript: string =
  /```sh\n\s*(if \[ "\$\(msdha-backend claim.*?)\n\s*```/s.exec(page)?.[1] ?? "";
