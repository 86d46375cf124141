// Loaded before script/simulate's own code, in every thread: seeds choose their groups by crashing-scenario.ts.
import { registerHooks } from "node:module";

registerHooks({
  resolve(specifier, context, next) {
    const isOurs = specifier === "./scenario.ts" && context.parentURL?.endsWith("/src/simulate.ts");
    return isOurs
      ? next("./crashing-scenario.ts", { ...context, parentURL: import.meta.url })
      : next(specifier, context);
  },
});
