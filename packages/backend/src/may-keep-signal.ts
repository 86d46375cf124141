import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { basename } from "node:path";

const SHELLS = ["sh", "dash", "bash", "ash", "ksh", "mksh", "zsh", "busybox"];

/**
 * Returns whether a process may keep a signal from the program that it started: it ignores the signal, or it is a shell,
 * which runs no trap while it waits for its child. False when the process has ended.
 */
export function mayKeepSignal(pid: number, signal: NodeJS.Signals, proc = "/proc"): boolean {
  try {
    const [interpreter = ""] = readFileSync(`${proc}/${pid}/cmdline`, "utf8").split("\0");
    if (SHELLS.includes(basename(interpreter).replace(/^-/, ""))) return true;
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`${proc}/${pid}/status`, "utf8"))?.[1];
    const bit = 1n << BigInt(constants.signals[signal] - 1);
    return ignored !== undefined && (BigInt(`0x${ignored}`) & bit) !== 0n;
  } catch {
    return false;
  }
}
