import { readFileSync } from "node:fs";
import type { Environment } from "@msdha/settings/given";

/** What stands in a report where a secret was. */
export const HIDDEN = "***";

const SECRET_NAME =
  /PASS(?:WORD|WD|PHRASE)?(?:_|$)|_PWD$|SECRET|CREDENTIAL|API_?KEY|PRIVATE|(?<!FENCING_)TOKEN(?:_|$)/i;
/** A shorter one would be found in half of all words. */
const SHORTEST = 4;
/** Nor are these, as of `MYSQL_RANDOM_ROOT_PASSWORD=true`. */
const NO_SECRET = /^(?:true|false|none|null)$/i;

/** How a text writes a value: in quotes, in those of a text within a text (`''a''`, `\"a\"`), or as one word, cut or not. */
const QUOTED = String.raw`''[^']*''|E?'(?:[^'\\]|\\.|'')*'|\\+"[^"]*"|"(?:[^"\\]|\\.)*"`;
const VALUE = String.raw`(?:${QUOTED}|[^\s'"\\]+|['"][^\s'"]*)`;
const WORD = String.raw`\w{0,60}(?:password|passwd|passphrase|secret|pwd|credential|api[_-]?key|private_?key|(?:access|auth)[_-]?token)\w{0,60}|(?:\w{0,60}_)?pass|requirepass|masterauth`;

/** What stands before a secret, and the secret. */
const RULES: readonly RegExp[] = [
  // The password in a URL may have an @ or a / in it; a port is none. Its length is limited, as a text may hold many beginnings.
  /(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@]{0,200}:)(?!\d{1,5}(?:[/?#,\s]|$))[^\s,"'<>]{1,300}(?=@)/gi,
  new RegExp(String.raw`(\b(?:${WORD})(?<!_FILE)\\*["']?\s*[=:]\s*)${VALUE}`, "gi"),
  new RegExp(String.raw`(--(?:${WORD})\s+|\b(?:requirepass|masterauth)\s+)${VALUE}`, "gi"),
  // SQL: CREATE ROLE a PASSWORD 'b', IDENTIFIED BY 'b', SET PASSWORD FOR 'a'@'c' = 'b'.
  new RegExp(String.raw`(\bpassword[\s(]+)(?:${QUOTED})`, "gi"),
  new RegExp(
    String.raw`(\bidentified\s+(?:with\s+\S{1,100}\s+)?(?:by|as)\s+(?:password\s+)?)(?:${QUOTED})`,
    "gi",
  ),
  new RegExp(String.raw`(\bset\s+password\s[^\n=]{0,200}=\s*)(?:${QUOTED})`, "gi"),
  /(\b(?:authorization\\*["']?\s*[=:]\s*\\*["']?(?:[a-z]+\s+)?|bearer\s+))[^\s,"'\\]+/gi,
  /(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[\s\S]*?(?=-----END|$)/g,
];

/** Whether a variable holds a secret, by its name. `ETCDCTL_USER` can be `name:password`. */
export function isSecret(name: string): boolean {
  return SECRET_NAME.test(name) && !name.endsWith("_FILE");
}

/**
 * Returns a function that hides secrets in a text: the values of variables whose names say so, what is in the files that such
 * variables name, passwords in URLs, in SQL, in headers, and what follows a word such as `password=`. A secret that a text holds in
 * another form, such as base64, is not found.
 */
export function createRedactor(environment: Environment): (text: string) => string {
  const secrets = listSecrets(environment);
  return (text) => {
    let hidden = text;
    for (const secret of secrets) hidden = hidden.replaceAll(secret, HIDDEN);
    for (const rule of RULES) hidden = hidden.replace(rule, `$1${HIDDEN}`);
    return hidden;
  };
}

/** The longest first: one may be a part of another. */
function listSecrets(environment: Environment): readonly string[] {
  const found = new Set<string>();
  const add = (text: string): void => {
    for (const part of [text.trim(), ...text.split("\n").map((line) => line.trim())]) {
      if (part.length < SHORTEST || NO_SECRET.test(part)) continue;
      // As JSON and as a URL write it, too.
      for (const form of [part, JSON.stringify(part).slice(1, -1), encode(part)]) found.add(form);
    }
  };
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || value === "") continue;
    if (isSecret(name)) add(value);
    const [, base] = /^(.*)_FILE$/.exec(name) ?? [];
    if (base !== undefined && (isSecret(base) || base === "ETCDCTL_USER")) add(readSecret(value, base));
    if (name === "ETCDCTL_USER") add(passwordOf(value));
    for (const [, password = ""] of value.matchAll(/:\/\/[^\s/:@]{0,200}:([^\s/@,]{1,300})@/g))
      add(decode(password));
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

function encode(text: string): string {
  return text.isWellFormed() ? encodeURIComponent(text) : text;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
