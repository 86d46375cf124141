export { byteCount, duration, port, wholeNumber, yesNo } from "./fields.ts";
export { type Environment, type Given, notBoth, readGiven } from "./given.ts";
export { parseBytes } from "./parse-bytes.ts";
export { printable } from "./printable.ts";
export { type ReadSettingsOptions, readSettings } from "./read-settings.ts";
export { type SettingProblem, SettingsError } from "./settings-error.ts";
