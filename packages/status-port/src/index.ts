export { ListenError } from "./errors.ts";
export type { EventStream } from "./event-streams.ts";
export { type Answer, type Feed, json, plain, type Reply, type Routes } from "./routes.ts";
export { type Place, type ServeOptions, serveRoutes } from "./serve-routes.ts";
