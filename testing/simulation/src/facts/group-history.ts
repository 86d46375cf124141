import type { KeyValue, WatchEvent } from "@msdha/etcd-client";
import { type GroupKeys, parseKey } from "@msdha/group";
import { createHistoryReader, type HistoryReader, type States, type Step } from "./history-reader.ts";

/** Everything that ever happened to the node keys of a group, and who was told what of it. */
export interface GroupHistory {
  /** Takes what etcd has just changed. */
  add(revision: number, events: readonly WatchEvent[]): void;
  /** etcd was restored to this state: what was there after it never happened. */
  restore(revision: number, kvs: readonly KeyValue[]): void;
  /** Steps before now may be told as a difference from now on, to those that had not got to them. */
  compacted(): void;
  reader(): HistoryReader;
}

export function createGroupHistory(keys: GroupKeys): GroupHistory {
  const steps: Step[] = [];
  /** The state after so many steps. */
  const states: States[] = [new Map()];
  /** At how many steps etcd was restored, or compacted. */
  const cuts: number[] = [];
  /** The index of the first step of the present numbering of revisions. */
  let epochStart = 0;
  let restores = 0;

  function push(revision: number, { type, kv }: WatchEvent): void {
    const parsed = parseKey(keys, kv.key);
    if (parsed.kind !== "node") return;
    const next = new Map(states.at(-1));
    if (type === "PUT") next.set(parsed.name, { state: kv.value, revision });
    else next.delete(parsed.name);
    steps.push({ action: type, node: parsed.name, state: type === "PUT" ? kv.value : "", revision });
    states.push(next);
  }

  /** How many steps there are up to a revision of the present numbering. */
  function indexAt(revision: number): number {
    let index = steps.length;
    while (index > epochStart && (steps[index - 1]?.revision ?? 0) > revision) index -= 1;
    return index;
  }

  const stateAt = (index: number): States => states[index] ?? new Map();

  const told = {
    steps,
    cuts,
    get restores() {
      return restores;
    },
    indexAt,
    stateAt,
  };

  return {
    add(revision, events) {
      for (const event of events) push(revision, event);
    },
    restore(revision, kvs) {
      restores += 1;
      epochStart = steps.length;
      const before = states.at(-1) ?? new Map();
      const present = new Set(kvs.map(({ key }) => key));
      for (const node of before.keys()) {
        const key = keys.node(node);
        if (!present.has(key)) push(revision, { type: "DELETE", kv: { ...NO_KEY, key } });
      }
      for (const kv of kvs) push(kv.modRevision, { type: "PUT", kv });
      cuts.push(steps.length);
    },
    compacted: () => void cuts.push(steps.length),
    reader: () => createHistoryReader(told),
  };
}

const NO_KEY: KeyValue = { key: "", value: "", createRevision: 0, modRevision: 0, lease: "0" };
