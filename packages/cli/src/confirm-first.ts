import { refuse } from "./command-error.ts";
import type { Context } from "./context.ts";

/**
 * Asks before something is done that cuts sessions, ends a node or discards data, unless `yes` is given. Rejects with a `CommandError`
 * where the answer is no, and where nobody can answer: a command at the end of `docker exec` or `ssh` without a terminal
 * must not skip the question that its user expects.
 */
export async function confirmFirst(
  { confirm: ask }: Pick<Context, "confirm">,
  question: string,
  { yes }: { readonly yes?: boolean },
): Promise<void> {
  if (yes) return;
  if (!ask) throw refuse("expected --yes, as nobody can answer here (no terminal): nothing was changed");
  if (!(await ask(question))) throw refuse("not confirmed: nothing was changed");
}
