export { bindAddress } from "./bind-address.ts";
export { describeError } from "./describe-error.ts";
export { exitCodes, listenExitCode } from "./exit-codes.ts";
export { hasCode } from "./has-code.ts";
export { isHostAddress } from "./host-address.ts";
export { groupName, nodeName } from "./names.ts";
export { refuseSettings } from "./refuse-settings.ts";
export { openRunFolder } from "./run-folder.ts";
export { allVariables } from "./variables.ts";
