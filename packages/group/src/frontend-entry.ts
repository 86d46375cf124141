/** What a frontend says of itself in etcd, so that a stopping master can wait for it. */
export interface FrontendEntry {
  /** Its host's name, for people. */
  readonly host: string;
  /** The token of the stopping master that it has left last: it sends nothing new there. 0: none yet. */
  readonly left: number;
}

export function renderFrontend({ host, left }: FrontendEntry): string {
  return JSON.stringify({ host, left });
}

/** Reads a frontend's entry; undefined for anything that a frontend can't have written. */
export function parseFrontend(text: string): FrontendEntry | undefined {
  try {
    const { host, left } = JSON.parse(text) as Partial<Record<string, unknown>>;
    if (typeof host !== "string" || typeof left !== "number" || !Number.isSafeInteger(left)) return undefined;
    return { host, left };
  } catch {
    return undefined;
  }
}
