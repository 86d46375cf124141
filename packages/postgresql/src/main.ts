import { join } from "node:path";
import { systemClock } from "@msdha/clock";
import { createActivity } from "./activity.ts";
import { createBackups } from "./backups.ts";
import { createContext, type HookContext, type Shared } from "./context.ts";
import { HookFailure, messageOf } from "./failure.ts";
import { settingsCommand } from "./group-settings.ts";
import { createAlive } from "./hooks/alive.ts";
import { candidate } from "./hooks/candidate.ts";
import { type BackgroundWork, master } from "./hooks/master.ts";
import { nodeStateChange } from "./hooks/node-state-change.ts";
import { preStart } from "./hooks/pre-start.ts";
import { preStop } from "./hooks/pre-stop.ts";
import { report } from "./hooks/report.ts";
import { runningNotReady } from "./hooks/running-not-ready.ts";
import { start } from "./hooks/start.ts";
import { stopped } from "./hooks/stopped.ts";
import { createKeeper } from "./keeper.ts";
import { createSessionPool } from "./local-server.ts";
import { createLogWait } from "./log-wait.ts";
import { answerOnce, type Question, serveHooks } from "./serve.ts";
import { createTurns } from "./turns.ts";

const shared: Shared = {
  clock: systemClock,
  pool: createSessionPool(),
  following: createTurns(),
  activity: createActivity(),
  nodeChanges: { count: 0 },
  logWait: createLogWait(systemClock),
  slotNote: { text: "" },
  formerMaster: { position: undefined },
  scripts: join(import.meta.dirname, "../bin"),
};
const keeper = createKeeper(systemClock);
const backups = createBackups();
const alive = createAlive({ backups, keeper });

/** Runs what a hook leaves behind, until it is done or the helper ends. */
function inBackground(question: Question): (work: BackgroundWork) => void {
  return (work) => {
    const sessions = new DisposableStack();
    const context = createContext(shared, {
      ...question,
      signal: new AbortController().signal,
      log: (line) => process.stderr.write(`${line}\n`),
      sessions,
    });
    void work(context)
      .catch((error: unknown) => context.log(messageOf(error)))
      .finally(() => sessions.dispose());
  };
}

const hooks: Readonly<Record<string, (context: HookContext, question: Question) => Promise<string>>> = {
  pre_start: preStart,
  start,
  running_not_ready: runningNotReady,
  candidate,
  report,
  alive: (context, question) => alive.look(context, inBackground(question)),
  master: (context, question) => master(context, { keeper, backups, background: inBackground(question) }),
  node_state_change: nodeStateChange,
  pre_stop: (context, question) => preStop(context, inBackground(question)),
  stopped,
  settings: settingsCommand,
  keep: async (context) => {
    await keeper.round(context);
    return "";
  },
};

async function answer(question: Question): Promise<string> {
  const run = hooks[question.hook];
  if (!run) throw new HookFailure(`expected a hook of PostgreSQL, got ${question.hook}`);
  using sessions = new DisposableStack();
  return await run(createContext(shared, { ...question, sessions }), question);
}

const [socketFile, ...hook] = process.argv.slice(2);
if (socketFile === "--once") process.exit(await answerOnce(hook, answer));
if (!socketFile) {
  process.stderr.write(
    "usage: msdha-postgresql.mjs SOCKET | --once HOOK [ARGUMENT]... (the hooks start it)\n",
  );
  process.exit(2);
}
await serveHooks(socketFile, answer);
process.exit(0);
