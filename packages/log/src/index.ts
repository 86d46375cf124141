export { createLog, type Log, type LogOptions, logFormats, logLevels } from "./log.ts";
