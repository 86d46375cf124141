import type { Rows } from "./connection.ts";
import type { HookContext } from "./context.ts";
import { fail } from "./failure.ts";
import { refusalOf } from "./local-server.ts";
import { POSITION_SQL, type Position, readPosition } from "./position.ts";

/** Resolves with this node's position once it is known. Rejects with a `HookFailure` that says why it is not. */
export async function ownPosition(context: HookContext): Promise<Position> {
  for (let tries = 10; ; tries -= 1) {
    const rows = await ask(context);
    const position = readPosition(rows[0]);
    if (!position) return fail("the server has no position yet");
    if (!position.standby) return fail("the server is no standby");
    if (position.settled) return position;
    if (tries === 1) return fail("the server has not yet read all of its log");
    await context.sleep(20);
  }
}

async function ask({ server }: HookContext): Promise<Rows> {
  try {
    return await server.query(POSITION_SQL);
  } catch (error) {
    const refusal = refusalOf(error);
    return fail(`the server does not answer${refusal === undefined ? "" : `: ${refusal}`}`, { cause: error });
  }
}
