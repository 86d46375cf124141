/** The default of `MSDHA_RUN_DIR`: where the frontend keeps its sockets and HAProxy's configuration. */
export const DEFAULT_RUN_DIR = "/run/msdha";

/** The file in the run folder of the socket on which the frontend answers with its status. */
export const STATUS_SOCKET = "frontend.sock";

/** The file in the run folder of the socket for health checks that start no Node. */
export const ASK_SOCKET = "ask.sock";
