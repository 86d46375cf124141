export { duration, groupName, nodeName, port, wholeNumber, yesNo } from "./fields.ts";
export { createLog, type Log, type LogOptions, logFormats, logLevels } from "./log.ts";
export { printable } from "./printable.ts";
export { exitCodes } from "./exit-codes.ts";
export {
  type Environment,
  readSettings,
  type ReadSettingsOptions,
  type SettingProblem,
  SettingsError,
} from "./read-settings.ts";
