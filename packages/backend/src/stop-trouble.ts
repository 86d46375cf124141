import { existsSync } from "node:fs";
import type { Log } from "@msdha/log";
import type { BackendConfig } from "./config.ts";
import { askSystemd, type SystemdUnit } from "./systemd.ts";

/** What a container engine waits by default between SIGTERM and SIGKILL, and what a stop takes beside its programs. */
const DOCKER_STOP_MS = 10_000;
const REST_OF_STOP_MS = 1_000;

type StopSettings = Pick<BackendConfig, "stopTimeoutMs" | "drainMs">;

/** What is known of where the node runs. */
export interface Surroundings {
  readonly systemd: SystemdUnit | undefined;
  readonly container: boolean;
}

/** Logs at the start which settings of a stop do not fit together: in a stop it is too late to find out. */
export async function reportStopTrouble(config: StopSettings, log: Log): Promise<void> {
  const systemd = await askSystemd();
  const container = existsSync("/.dockerenv") || existsSync("/run/.containerenv");
  for (const line of findStopTrouble(config, { systemd, container })) log.warn(line);
}

/** Returns a line for each. */
export function findStopTrouble(
  { stopTimeoutMs, drainMs }: StopSettings,
  { systemd, container }: Surroundings,
): readonly string[] {
  const lines: string[] = [];
  const stop = `MSDHA_STOP_TIMEOUT (${seconds(stopTimeoutMs)})`;
  if (drainMs !== undefined && drainMs * 2 > stopTimeoutMs) {
    lines.push(`MSDHA_DRAIN (${seconds(drainMs)}) takes more than half of ${stop} from the program`);
  }
  if (systemd) {
    const { unit, killMode, stopMs } = systemd;
    if (killMode === "control-group") {
      lines.push(
        `systemd sends SIGTERM to every process of ${unit} at a stop, the program's workers first: set KillMode=mixed`,
      );
    }
    if (stopMs < stopTimeoutMs + REST_OF_STOP_MS) {
      lines.push(
        `systemd kills ${unit} ${seconds(stopMs)} after SIGTERM: set TimeoutStopSec longer than ${stop}`,
      );
    }
  } else if (container && stopTimeoutMs + REST_OF_STOP_MS > DOCKER_STOP_MS) {
    lines.push(
      `${stop} needs a longer stop timeout of the container than Docker's ${seconds(DOCKER_STOP_MS)} ` +
        "(--stop-timeout, stop_grace_period, terminationGracePeriodSeconds)",
    );
  }
  return lines;
}

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}
