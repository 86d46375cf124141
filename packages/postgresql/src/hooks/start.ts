import { CLIENT_VARIABLES } from "../conninfo.ts";
import type { HookContext } from "../context.ts";
import { checkDataLock, lockPrefix, removeStaleLocks } from "../data-lock.ts";
import { fixedSettings, PROMOTE_TRIGGER_UNTIL } from "../fixed-settings.ts";
import { followMaster } from "../follow.ts";
import { staysOnTimeline } from "../own-timeline.ts";
import { quoteShell } from "../quoting.ts";
import { siteArgs } from "../site-args.ts";

/** What its sessions and commands must not see, and what would lead its connection to the master astray. */
const NOT_THE_SERVERS = ["POSTGRES_PASSWORD", "MSDHA_PG_REPLICATION_PASSWORD", ...CLIENT_VARIABLES];

/**
 * Resolves with the command, in a shell's words, that becomes the server. It always starts as a standby; the `master`
 * hook promotes it.
 */
export async function start(context: HookContext): Promise<string> {
  const { account, files, settings } = context;
  const { data, home, port, listen, name, tls } = settings;
  const locks = await checkDataLock(context);
  // The server starts all the same: the next hook asks again, and says why it can't.
  await followMaster(context).catch(() => {});
  if (!files.exists(`${data}/standby.signal`)) files.write(`${data}/standby.signal`, "");
  removeStaleLocks(context);
  const values = [
    `port=${port}`,
    `listen_addresses=${listen}`,
    `unix_socket_directories=${home}`,
    "unix_socket_permissions=0700",
    `cluster_name=${name}`,
    `data_directory=${data}`,
    ...fixedSettings(settings),
    ...(staysOnTimeline(context) ? ["recovery_target_timeline=current"] : []),
    ...(Number(files.read(`${data}/PG_VERSION`)) < PROMOTE_TRIGGER_UNTIL ? ["promote_trigger_file="] : []),
    ...(tls ? ["ssl=on", `ssl_cert_file=${home}/tls.cert`, `ssl_key_file=${home}/tls.key`] : []),
    ...(tls?.ca === undefined ? [] : [`ssl_ca_file=${home}/tls.ca`]),
  ];
  const words = [
    ...["env", ...NOT_THE_SERVERS.flatMap((name) => ["-u", name])],
    ...restartFirst(context),
    ...account.prefix,
    ...(locks ? lockPrefix(data) : []),
    ...[context.program("postgres"), "-D", data],
    ...siteArgs(context),
    ...values.flatMap((value) => ["-c", value]),
  ];
  return words.map(quoteShell).join(" ");
}

/** Returns what goes before the command of the server, so that a master that crashes is started again where it was. */
function restartFirst({ scripts, settings }: HookContext): readonly string[] {
  const { data, restartFirstSeconds, runDir } = settings;
  if (restartFirstSeconds === 0) return [];
  return ["sh", `${scripts}/restart-first.sh`, String(restartFirstSeconds), data, runDir];
}
