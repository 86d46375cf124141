/** A service of a compose file, as far as it is looked at. */
export interface ComposeService {
  readonly environment: Readonly<Record<string, string>>;
  readonly image: string;
  readonly restart: string | undefined;
  readonly stop_grace_period: string | undefined;
  readonly hostname: string | undefined;
  readonly volumes: readonly ComposeVolume[];
  readonly tmpfs: readonly string[];
  readonly read_only: boolean;
  /** What starts it again where something else than Compose runs it. */
  readonly condition: string | undefined;
}

interface ComposeVolume {
  readonly type: string | undefined;
  readonly source: string | undefined;
  readonly target: string | undefined;
}

/**
 * Reads a service as `docker compose config --format json` prints it, or as a file has it that was made JSON by another program: its
 * environment and volumes may be lists of short forms. Returns undefined if it is no service.
 */
export function readService(value: unknown): ComposeService | undefined {
  if (!isObject(value)) return undefined;
  const { deploy, volumes, tmpfs } = value;
  const policy = isObject(deploy) && isObject(deploy["restart_policy"]) ? deploy["restart_policy"] : {};
  return {
    environment: readEnvironment(value["environment"]),
    image: text(value["image"]) ?? "",
    restart: text(value["restart"]),
    stop_grace_period: text(value["stop_grace_period"]),
    hostname: text(value["hostname"]),
    volumes: Array.isArray(volumes) ? volumes.map(readVolume) : [],
    tmpfs: [tmpfs].flat().flatMap((mount) => text(mount) ?? []),
    read_only: value["read_only"] === true,
    condition: text(policy["condition"]),
  };
}

/** A map, or a list of `NAME=value`. A variable without a value is taken from where Compose runs: it is not known here. */
function readEnvironment(value: unknown): ComposeService["environment"] {
  const entries = Array.isArray(value)
    ? value.map((each) => /^([^=]*)=(.*)$/s.exec(String(each))?.slice(1) ?? [])
    : Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(
    entries.flatMap(([name, given]) => {
      const known = text(given);
      return name === undefined || known === undefined ? [] : [[String(name), known]];
    }),
  );
}

/** The long form, or `source:target:mode`, or a target alone. */
function readVolume(value: unknown): ComposeVolume {
  if (isObject(value))
    return { type: text(value["type"]), source: text(value["source"]), target: text(value["target"]) };
  const [source, target] = String(value).split(":");
  return target === undefined
    ? { type: undefined, source: undefined, target: source }
    : { type: undefined, source, target };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
