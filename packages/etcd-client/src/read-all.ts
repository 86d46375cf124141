import type { EtcdApi, KeyRange, KeyValue, RangeResult, RangeStart } from "./api.ts";
import { isEtcdError } from "./errors.ts";

export interface ReadAllOptions {
  /** How long each page may take, over every member that is tried. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Leaves the values out: they read as empty texts. Default: false. */
  readonly keysOnly?: boolean;
  /** About how large each page after the first 100 keys may be. Default: 4 MB. */
  readonly pageBytes?: number | undefined;
}

/** The first page's keys: an etcd takes 1.5 MB for each at most. */
const FIRST_PAGE_KEYS = 100;
const MOST_PAGE_KEYS = 10_000;
const DEFAULT_PAGE_BYTES = 4 * 1_024 * 1_024;
/** What a key costs beside its text and value. */
const KEY_OVERHEAD_BYTES = 64;

/**
 * Reads every key of a range, as one revision has them, in pages of some megabytes: one answer of any size
 * would hold up everything else on its connection. The first page is a linearizable read. Begins anew when etcd compacts
 * that revision meanwhile. Rejects with etcd's errors when a page takes longer than `timeoutMs`, or with the reason of
 * `signal`. It has no limit in all.
 */
export async function readAll(etcd: EtcdApi, range: KeyRange, options: ReadAllOptions): Promise<RangeResult> {
  for (;;) {
    try {
      return await readPages(etcd, range, options);
    } catch (error) {
      // The reason of the signal can be a compaction, too: of a watch that has just ended.
      if (options.signal?.aborted || !isEtcdError(error, "ERR_ETCD_COMPACTED")) throw error;
    }
  }
}

async function readPages(
  etcd: EtcdApi,
  range: KeyRange,
  { keysOnly = false, pageBytes = DEFAULT_PAGE_BYTES, ...options }: ReadAllOptions,
): Promise<RangeResult> {
  const kvs: KeyValue[] = [];
  let limit = FIRST_PAGE_KEYS;
  let next: RangeStart | undefined;
  for (;;) {
    const page = await etcd.range({ ...range, ...next, keysOnly, limit }, options);
    for (const kv of page.kvs) kvs.push(kv);
    if (!page.next) return { kvs, revision: page.revision };
    limit = nextLimit(page.kvs, pageBytes);
    next = page.next;
  }
}

/** How many keys the next page holds, by the size of those before it. */
function nextLimit(kvs: readonly KeyValue[], pageBytes: number): number {
  const bytes = kvs.reduce((sum, { key, value }) => sum + key.length + value.length + KEY_OVERHEAD_BYTES, 1);
  const fitting = Math.floor((pageBytes * Math.max(kvs.length, 1)) / bytes);
  return Math.min(Math.max(fitting, FIRST_PAGE_KEYS / 10), MOST_PAGE_KEYS);
}
