import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DATABASE, GROUP_NAME, type GroupSettings, type NodePlace, SUPERUSER } from "./group-commands.ts";
import { createRestartedProcess, type RestartedProcess } from "./restarted-process.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Prepares a node: the backend as it is shipped, with the hooks of the PostgreSQL image. */
export function createNode(
  { layout, ttlSeconds, password, replicationPassword, nodeSettings = {} }: GroupSettings,
  { name, address, folder, logFile }: NodePlace,
  etcd: string,
): RestartedProcess {
  mkdirSync(`${folder}/run`, { recursive: true, mode: 0o755 });
  return createRestartedProcess({
    command: [`${root}packages/backend/bin/msdha-backend`],
    env: {
      ...inherited(),
      // The program that the hooks call, which the image has beside the backend.
      PATH: `${root}packages/postgresql/bin:${process.env["PATH"]}`,
      ETCDCTL_ENDPOINTS: `http://${etcd}`,
      MSDHA_GROUP: GROUP_NAME,
      MSDHA_NAME: name,
      MSDHA_ADDRESS: address,
      MSDHA_TTL: String(ttlSeconds),
      MSDHA_HOOKS_DIR: `${root}images/backend-postgresql/hooks`,
      MSDHA_RUN_DIR: `${folder}/run`,
      MSDHA_STOP_SIGNAL: "SIGINT",
      MSDHA_TRAFFIC: "after_hook",
      MSDHA_PG_LISTEN: address,
      MSDHA_PG_RECLONE: "yes",
      MSDHA_PG_REPLICATION_PASSWORD: replicationPassword,
      PGDATA: `${folder}/data`,
      PGPORT: String(layout.port),
      POSTGRES_USER: SUPERUSER,
      POSTGRES_PASSWORD: password,
      POSTGRES_DB: DATABASE,
      ...nodeSettings,
    },
    logFile,
  });
}

/** Prepares the frontend. Its own connection to etcd is never cut: it stands for the side that the clients are on. */
export function createFrontend({ layout, ttlSeconds }: GroupSettings, etcd: string): RestartedProcess {
  const folder = `${layout.folder}/f`;
  mkdirSync(folder, { recursive: true });
  return createRestartedProcess({
    command: [`${root}packages/frontend/bin/msdha-frontend`],
    env: {
      ...inherited(),
      ETCDCTL_ENDPOINTS: etcd,
      MSDHA_GROUP: GROUP_NAME,
      MSDHA_PORT: String(layout.port),
      MSDHA_BIND: layout.frontendAddress,
      MSDHA_TTL: String(ttlSeconds),
      MSDHA_RUN_DIR: folder,
    },
    logFile: `${layout.folder}/frontend.log`,
  });
}

/** Nothing of the caller's own settings for etcd, PostgreSQL or MSDHA gets in. */
function inherited(): NodeJS.ProcessEnv {
  const { PATH, LANG, LC_ALL, TZ } = process.env;
  return { PATH, LANG, LC_ALL, TZ, MSDHA_NODE: process.execPath };
}
