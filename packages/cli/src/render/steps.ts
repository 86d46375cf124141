/** Returns a function that prints each step of a request with its time; one that prints nothing for `--json`. */
export function printSteps(
  write: (text: string) => void,
  { json = false }: { readonly json?: boolean | undefined },
): (text: string, atMs: number) => void {
  if (json) return () => {};
  return (text, atMs) => write(`${`+${(atMs / 1_000).toFixed(3)} s`.padStart(10)}  ${text}\n`);
}
