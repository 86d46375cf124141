import type { CandidateServer } from "./candidacy.ts";
import type { HookContext } from "./context.ts";
import { enoughOf } from "./enough-of.ts";
import { fail } from "./failure.ts";
import { eligibilityFile, letGo } from "./follow.ts";
import { requireLittleLag } from "./little-lag.ts";
import { answerOf } from "./local-server.ts";
import { memberOf } from "./names.ts";
import { ownPosition } from "./own-position.ts";
import { POSITION_SQL, type Position, readPosition } from "./position.ts";
import { followedAddress, incompleteMark, masterMark } from "./standby-settings.ts";

const TRIES = 50;
const PAUSE_MS = 20;
/** As a rule a receiver ends within milliseconds of its order, and clients wait. */
const FIRST_TRIES = 10;
const FIRST_PAUSE_MS = 5;
const LOSS_ACCEPTED = "loss accepted";

/** Returns this node as one that is asked whether it may be the master. */
export function openCandidate(context: HookContext): CandidateServer {
  const { files, member, store } = context;
  return {
    own: () => ({
      member,
      mark: files.read(masterMark(context))?.trim(),
      fromArchive: files.exists(incompleteMark(context)),
    }),
    letGo: () => letGo(context),
    seen: async () => (context.env["MSDHA_FENCING_TOKEN"] ? undefined : await store.seen()),
    freePosition: () => freePosition(context),
    async positionsOf({ others, enough }) {
      const nodes = others.length > 0 ? await store.nodes() : [];
      const positions = others.map(async (standby): Promise<[string, Position]> => {
        const node = nodes.find(({ name }) => memberOf(name) === standby);
        if (!node)
          return fail(`can't tell what ${standby} has, which was in sync too: the node is not there`);
        return [standby, await freePositionOf(context, standby, node.address)];
      });
      return new Map(await enoughOf(positions, enough, { sleep: context.sleep }));
    },
    requireLittleLag: (own) => requireLittleLag(context, own),
    recall() {
      if (context.group.master() || followedAddress(context) !== "") return undefined;
      const lines = files.read(eligibilityFile(context))?.split("\n") ?? [];
      const [rank = "", record = "", asFar = "", how = ""] = lines;
      if (lines.length < 3) return undefined;
      return { rank, record, asFar: asFar.split(" ").filter(Boolean), lossAccepted: how === LOSS_ACCEPTED };
    },
    note: ({ rank, record, asFar, lossAccepted }) =>
      files.write(
        eligibilityFile(context),
        `${rank}\n${record}\n${asFar.join(" ")}\n${lossAccepted ? `${LOSS_ACCEPTED}\n` : ""}`,
      ),
    forget: () => files.remove(eligibilityFile(context)),
  };
}

async function freePosition(context: HookContext): Promise<Position> {
  for await (const _ of looks(context)) {
    const position = await ownPosition(context);
    if (position.free) return position;
  }
  return fail("still connected to a former master");
}

async function freePositionOf(context: HookContext, standby: string, address: string): Promise<Position> {
  const peer = context.peer(address);
  for await (const _ of looks(context)) {
    const rows = await answerOf(peer.query(POSITION_SQL));
    const position = readPosition(rows?.[0]);
    if (position?.standby && position.settled && position.free) return position;
  }
  return fail(`can't tell what ${standby} has, which was in sync too`);
}

/** Yields whenever it is time for another look, until there were enough. */
async function* looks({ sleep }: HookContext): AsyncGenerator<void> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    yield;
    await sleep(tries <= FIRST_TRIES ? FIRST_PAUSE_MS : PAUSE_MS);
  }
}
