export { ListenError } from "./errors.ts";
export type { EventStream } from "./event-streams.ts";
export type { Place } from "./place.ts";
export { type Answer, type Feed, json, plain, type Reply, type Routes } from "./routes.ts";
export { createSamples, type Samples } from "./samples.ts";
export { type ServeOptions, serveRoutes } from "./serve-routes.ts";
