import { readFileSync } from "node:fs";

/** Returns the direct children of a process. Throws where there is no such process. */
export function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
}
