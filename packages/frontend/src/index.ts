export type { FrontendConfig } from "./config.ts";
export type { Lookup } from "./follow-address.ts";
export { asHaproxyRoute } from "./haproxy/port-switchers.ts";
export type { Observer } from "./observe.ts";
export type {
  ProxyEvents,
  ProxyState,
  Route,
  RoutedMaster,
  ServerAddress,
  TcpProxy,
  Traffic,
} from "./proxy.ts";
export { type FrontendHost, type RunOptions, runFrontend } from "./run-frontend.ts";
