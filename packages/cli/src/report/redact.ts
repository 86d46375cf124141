import { readFileSync } from "node:fs";
import type { Environment } from "@msdha/settings/given";

/** What stands in a report where a secret was. */
export const HIDDEN = "***";

const SECRET_NAME =
  /PASS(?:WORD|WD|PHRASE)?(?:_|$)|SECRET|CREDENTIAL|API_?KEY|PRIVATE|ACCESS_?TOKEN|AUTH_?TOKEN/i;
/** A shorter one would be found in half of all words. */
const SHORTEST = 4;

/** Whether a variable holds a secret, by its name. `ETCDCTL_USER` can be `name:password`. */
export function isSecret(name: string): boolean {
  return SECRET_NAME.test(name) && !name.endsWith("_FILE");
}

/**
 * Returns a function that hides secrets in a text: the values of variables whose names say so, what is in the files that such
 * variables name, passwords in URLs, and what follows a word such as `password=`. A secret that a text holds in another form, such as
 * base64, is not found.
 */
export function createRedactor(environment: Environment): (text: string) => string {
  const secrets = listSecrets(environment);
  return (text) => {
    let hidden = text;
    for (const secret of secrets) hidden = hidden.replaceAll(secret, HIDDEN);
    return hidden
      .replace(/(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@]{0,200}):[^\s/@]+@/gi, `$1:${HIDDEN}@`)
      .replace(
        /(\b\w{0,60}(?:password|passwd|passphrase|secret|pwd)\w{0,60}(?<!_FILE)["']?\s*[=:]\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s,;'"}]+)/gi,
        `$1${HIDDEN}`,
      )
      .replace(/(\bidentified\s+by\s+(?:password\s+)?)('[^']*'|"[^"]*")/gi, `$1${HIDDEN}`);
  };
}

/** The longest first: one may be a part of another. */
function listSecrets(environment: Environment): readonly string[] {
  const found = new Set<string>();
  const add = (text: string): void => {
    for (const part of [text.trim(), ...text.split("\n").map((line) => line.trim())]) {
      if (part.length >= SHORTEST) found.add(part);
    }
  };
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || value === "") continue;
    if (isSecret(name)) add(value);
    const [, base] = /^(.*)_FILE$/.exec(name) ?? [];
    if (base !== undefined && (isSecret(base) || base === "ETCDCTL_USER")) add(readSecret(value, base));
    if (name === "ETCDCTL_USER") add(passwordOf(value));
  }
  return [...found].sort((a, b) => b.length - a.length);
}

function readSecret(file: string, name: string): string {
  try {
    const text = readFileSync(file, "utf8");
    return name === "ETCDCTL_USER" ? passwordOf(text) : text;
  } catch {
    return "";
  }
}

function passwordOf(user: string): string {
  return user.slice(user.indexOf(":") + 1 || user.length);
}
