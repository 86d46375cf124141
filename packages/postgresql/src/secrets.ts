import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { HookContext } from "./context.ts";
import { messageOf } from "./failure.ts";
import { quotePgpass } from "./quoting.ts";
import { readSecret } from "./settings.ts";

/**
 * Writes the password file, and copies of the TLS files, since PostgreSQL refuses keys that others can read, as secrets
 * often can be. Returns which of them changed. Throws where one can't be read.
 */
export function writeSecrets({
  env,
  files,
  settings,
}: Pick<HookContext, "env" | "files" | "settings">): readonly string[] {
  const { home, replicator, tls } = settings;
  const password = readSecret(env, "MSDHA_PG_REPLICATION_PASSWORD");
  const wanted = [["pgpass", `*:*:*:${quotePgpass(replicator)}:${quotePgpass(password)}\n`]];
  if (tls) {
    wanted.push(["tls.cert", readFileSync(tls.cert, "utf8")], ["tls.key", readFileSync(tls.key, "utf8")]);
    if (tls.ca !== undefined) wanted.push(["tls.ca", readFileSync(tls.ca, "utf8")]);
  }
  const changed: string[] = [];
  for (const [name = "", text = ""] of wanted) {
    if (files.read(join(home, name)) === text) continue;
    files.write(join(home, name), text);
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
  return {
    look(context) {
      try {
        const changed = writeSecrets(context);
        complaint = "";
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
