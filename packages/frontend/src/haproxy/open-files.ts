import { readFileSync } from "node:fs";

/**
 * The hard limit on open files of this process, which its children inherit; Infinity for none. Where `/proc` can't
 * be read, 1,024: the least that is common.
 */
export function openFilesLimit({ file = "/proc/self/limits" }: { readonly file?: string } = {}): number {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return 1_024;
  }
  const [, hard] = /^Max open files +\S+ +(\S+)/m.exec(text) ?? [];
  if (hard === "unlimited") return Number.POSITIVE_INFINITY;
  return Number(hard) || 1_024;
}
