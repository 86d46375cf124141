import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

/** The systemd unit whose main process this is. */
export interface SystemdUnit {
  readonly unit: string;
  /** `control-group`, `mixed`, `process` or `none`. */
  readonly killMode: string;
  /** How long systemd waits between SIGTERM and SIGKILL; Infinity when it never kills. */
  readonly stopMs: number;
}

const LONGEST_ANSWER_MS = 5_000;

interface Ask {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly cgroup?: () => string;
  readonly show?: (args: readonly string[]) => Promise<string>;
}

/** Resolves with what systemd says of the unit that started this process; undefined when none did, or it does not say. */
export async function askSystemd({
  environment = process.env,
  cgroup = () => readFileSync("/proc/self/cgroup", "utf8"),
  show = runSystemctl,
}: Ask = {}): Promise<SystemdUnit | undefined> {
  if (!environment["INVOCATION_ID"]) return undefined;
  try {
    const path = cgroup();
    const unit = /\/([^/\n]+\.service)(?:\/[^/\n]*)?$/m.exec(path)?.[1];
    if (unit === undefined) return undefined;
    const manager = path.includes("/user@") ? ["--user"] : [];
    const answer = await show([...manager, "show", "--property=KillMode,TimeoutStopUSec", unit]);
    const killMode = /^KillMode=(.+)$/m.exec(answer)?.[1];
    const stopMs = parseSpan(/^TimeoutStopUSec=(.+)$/m.exec(answer)?.[1] ?? "");
    return killMode === undefined || stopMs === undefined ? undefined : { unit, killMode, stopMs };
  } catch {
    return undefined;
  }
}

async function runSystemctl(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("systemctl", [...args], { timeout: LONGEST_ANSWER_MS });
  return stdout;
}

const UNIT_MS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** As systemd prints it: `1min 30s`, `infinity`. */
function parseSpan(text: string): number | undefined {
  if (text === "infinity") return Number.POSITIVE_INFINITY;
  const parts = text.split(" ").map((part) => /^(\d+)([a-z]+)$/.exec(part));
  const ms = parts.reduce(
    (sum, part) => sum + Number(part?.[1]) * (UNIT_MS[part?.[2] ?? ""] ?? Number.NaN),
    0,
  );
  return Number.isNaN(ms) ? undefined : ms;
}
