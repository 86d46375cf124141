export { exitCodes } from "./exit-codes.ts";
export { duration, groupName, nodeName, port, wholeNumber, yesNo } from "./fields.ts";
export { createLog, type Log, type LogOptions, logFormats, logLevels } from "./log.ts";
export { printable } from "./printable.ts";
export { type Environment, type ReadSettingsOptions, readSettings } from "./read-settings.ts";
export { type SettingProblem, SettingsError } from "./settings-error.ts";
export { allVariables } from "./variables.ts";
