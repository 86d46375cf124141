import { join } from "node:path";
import { createAccessWatch } from "../access-watch.ts";
import type { Backups } from "../backups.ts";
import { createCollationWatch } from "../collations.ts";
import type { HookContext } from "../context.ts";
import { fail } from "../failure.ts";
import { createGroupSettingsWatch } from "../group-settings.ts";
import { lookForAnswer, type Sign } from "../hang.ts";
import type { Keeper } from "../keeper.ts";
import { createMetricsPort } from "../metrics-port.ts";
import { endBesideOtherServer, wasStartedByOthers } from "../other-server.ts";
import { createSecretsWatch } from "../secrets.ts";
import { createIncludeWatch, versionOfSettings } from "../settings-include.ts";
import { createSlotWatch } from "../slots-of-the-gone.ts";
import { createStandbyWatch } from "../standby-watch.ts";
import { createWeakenedWatch } from "../weakened.ts";
import type { BackgroundWork } from "./master.ts";

/** What the `alive` hook remembers from one run to the next. */
export interface Alive {
  /** Rejects while the server hangs. `background` runs what may take longer than this hook. */
  look(context: HookContext, background: (work: BackgroundWork) => void): Promise<string>;
}

const ANSWER_MS = 4_000;
const USUAL_FAILURES = 3;

/**
 * Makes one. A server hangs when it reacts to nothing for so many runs that the node would end. Its processes are killed
 * then, since one that hangs does not stop when it is asked, and the stop would last as long as it may.
 */
export function createAlive({
  backups,
  keeper,
}: {
  readonly backups: Pick<Backups, "look">;
  readonly keeper: Pick<Keeper, "continueRounds">;
}): Alive {
  let failures = 0;
  let looking = false;
  const watches = {
    standby: createStandbyWatch(),
    slots: createSlotWatch(),
    secrets: createSecretsWatch(),
    include: createIncludeWatch(),
    collations: createCollationWatch(),
    metrics: createMetricsPort(),
    settings: createGroupSettingsWatch(),
    weakened: createWeakenedWatch(),
    access: createAccessWatch(),
  };

  async function lookAfter(context: HookContext, { settingsVersion }: Glance): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      watches.secrets.look(context);
      watches.include.look(context, settingsVersion);
      await watches.standby.look(context);
      await watches.slots.look(context);
      await watches.collations.look(context);
      await watches.metrics.look(context);
      await watches.settings.look(context);
      await watches.weakened.look(context);
    } finally {
      looking = false;
    }
  }

  return {
    async look(context, background) {
      const { env, log, server } = context;
      const seen = glance(context);
      const sign = await seen.sign;
      if (sign !== "silent") {
        failures = 0;
        // One that listens has written its own command line.
        if (sign === "answers" && seen.startedByOthers) endBesideOtherServer(context);
        background((later) => lookAfter(later, seen));
        // It waits for other nodes.
        background((later) => watches.access.look(later));
        // It may take hours.
        background((later) => backups.look(later));
        background((later) => keeper.continueRounds(later));
        return "";
      }
      failures += 1;
      const most = Number(env["MSDHA_ALIVE_FAILURES"] || USUAL_FAILURES);
      if (failures >= most) {
        const killed = server.kill();
        log(`the server hangs: killed its ${killed} processes, so that the node ends now`);
      }
      return fail(`the server does not react to a new connection (${failures} of ${most} times)`);
    },
  };
}

/** What is seen of the data and the socket in one go: each change of the user interrupts all threads of the helper, several times. */
interface Glance {
  readonly sign: Promise<Sign>;
  readonly startedByOthers: boolean;
  readonly settingsVersion: string | undefined;
}

function glance(context: HookContext): Glance {
  const { account, settings } = context;
  const socket = join(settings.home, `.s.PGSQL.${settings.port}`);
  return account.act(() => ({
    startedByOthers: wasStartedByOthers(context),
    settingsVersion: versionOfSettings(context),
    sign: lookForAnswer(socket, { timeoutMs: ANSWER_MS }),
  }));
}
