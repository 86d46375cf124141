import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { messageOf } from "./failure.ts";
import { quotePgpass } from "./quoting.ts";
import { readSecret } from "./settings.ts";

/** The name and the text of each file in the helper's folder that has a secret. */
type Secrets = readonly (readonly [name: string, text: string])[];

/**
 * Writes the password file, and copies of the TLS files, since PostgreSQL refuses keys that others can read, as secrets
 * often can be. Returns which of them changed. Throws where one can't be read.
 */
export function writeSecrets({
  env,
  files,
  settings,
}: Pick<HookContext, "env" | "files" | "settings">): readonly string[] {
  return writeFiles({ files, settings }, readSecrets({ env, settings }));
}

function readSecrets({ env, settings }: Pick<HookContext, "env" | "settings">): Secrets {
  const { replicator, tls } = settings;
  const password = readSecret(env, "MSDHA_PG_REPLICATION_PASSWORD");
  const secrets: [string, string][] = [
    ["pgpass", `*:*:*:${quotePgpass(replicator)}:${quotePgpass(password)}\n`],
  ];
  if (tls) {
    secrets.push(["tls.cert", readFileSync(tls.cert, "utf8")], ["tls.key", readFileSync(tls.key, "utf8")]);
    if (tls.ca !== undefined) secrets.push(["tls.ca", readFileSync(tls.ca, "utf8")]);
  }
  return secrets;
}

function writeFiles(
  { files, settings }: Pick<HookContext, "files" | "settings">,
  secrets: Secrets,
): readonly string[] {
  const changed: string[] = [];
  for (const [name, text] of secrets) {
    const path = join(settings.home, name);
    if (files.read(path) === text) continue;
    files.write(path, text);
    changed.push(name);
  }
  return changed;
}

/** Takes over secrets whose files were renewed, without a restart of the server. */
export interface SecretsWatch {
  /** Called every few seconds. What can't be read is logged once, and what there was stays in use. */
  look(context: HookContext): void;
}

export function createSecretsWatch(): SecretsWatch {
  let complaint = "";
  /** What the files in the helper's folder have. */
  let written = "";
  return {
    look(context) {
      try {
        const secrets = readSecrets(context);
        complaint = "";
        const text = JSON.stringify(secrets);
        if (text === written) return;
        const changed = writeFiles(context, secrets);
        written = text;
        if (changed.length === 0) return;
        if (changed.some((name) => name !== "pgpass")) context.server.reload();
        context.log(`took over renewed secrets: ${changed.join(", ")}`);
      } catch (error) {
        const message = messageOf(error);
        if (message !== complaint) context.log(`secrets that were renewed can't be read: ${message}`);
        complaint = message;
      }
    },
  };
}
