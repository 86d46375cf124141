import type { Environment } from "@msdha/settings/given";
import { HIDDEN, isSecret } from "./redact.ts";

const OURS = /^(?:MSDHA|ETCDCTL)_/;

/** Lists MSDHA's own variables, sorted. Of those that hold a secret only the name is told; of all others nothing. */
export function listSettings(environment: Environment): string {
  return Object.entries(environment)
    .filter(([name, value]) => OURS.test(name) && value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value = ""]) => `${name}=${show(name, value)}\n`)
    .join("");
}

function show(name: string, value: string): string {
  if (value === "") return "";
  if (name === "ETCDCTL_USER") return value.replace(/:.*/s, `:${HIDDEN}`);
  return isSecret(name) ? HIDDEN : value;
}
