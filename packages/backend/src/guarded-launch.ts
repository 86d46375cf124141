import type { Guard } from "@msdha/guard";
import type { Launch } from "@msdha/hook-runner";

/** Starts hooks under the guard; with `unlessPast` the guard looks at the kill time once more before it does. */
export function guardedLaunch(
  guard: Guard,
  { unlessPast = false }: { readonly unlessPast?: boolean } = {},
): Launch {
  return (file, args, { env, onOutput }) =>
    guard.spawn(file, [...args], { env, output: "pipe", onOutput, unlessPast });
}
