import { isAbsolute } from "node:path";
import type { Channel } from "./channel.ts";
import { GuardLostError } from "./errors.ts";
import type { Guard } from "./guard.ts";
import { signalNumber } from "./processes.ts";
import { encodeOrphans, encodeSignalAll, encodeWithdraw } from "./protocol.ts";
import { type SignalReport, signalReport } from "./roll.ts";

/** As in c/guard.h. */
const MOST_WITHDRAWN = 4;
const LONGEST_PATH_BYTES = 4_095;

/** Makes what a guard does with everything that was started. `ending` aborts when it is of no more use. */
export function createWholeNode(
  { inner, outer }: { readonly inner: Channel; readonly outer: Channel },
  ending: AbortSignal,
): Pick<Guard, "signalAll" | "signalOrphans" | "survey" | "withdrawAtKill"> {
  async function signalEach(number: number): Promise<SignalReport> {
    ending.throwIfAborted();
    const answer = await inner.request("signalAll", (request) => encodeSignalAll(request, number));
    if (answer?.type !== "signalled") throw new GuardLostError("it gave no answer");
    return signalReport(answer.roll);
  }

  return {
    signalAll: async (signal) => await signalEach(signalNumber(signal)),
    signalOrphans(signal, { childrenOf = 0 } = {}) {
      const number = signalNumber(signal);
      if (!ending.aborted) inner.send(encodeOrphans(number, childrenOf));
    },
    survey: () => signalEach(0),
    async withdrawAtKill(files) {
      refuseFiles(files);
      ending.throwIfAborted();
      await Promise.all(
        [inner, outer].map((channel) =>
          channel.request("withdraw", (request) => encodeWithdraw(request, files)),
        ),
      );
    },
  };
}

function refuseFiles(files: readonly string[]): void {
  if (files.length > MOST_WITHDRAWN) {
    throw new TypeError(`expected ${MOST_WITHDRAWN} files at most, got ${files.length}`);
  }
  const bad = files.find((file) => !isAbsolute(file) || Buffer.byteLength(file) > LONGEST_PATH_BYTES);
  if (bad !== undefined) {
    throw new TypeError(`expected absolute paths of at most ${LONGEST_PATH_BYTES} bytes, got ${bad}`);
  }
}
