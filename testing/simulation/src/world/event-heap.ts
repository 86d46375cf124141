/** Something that is to happen at a time. */
export interface ScheduledEvent {
  readonly at: number;
  /** Orders events of the same time: who was scheduled first comes first. */
  readonly order: number;
  act: (() => void) | undefined;
}

/** Events by time: a binary heap. */
export interface EventHeap {
  push(event: ScheduledEvent): void;
  peek(): ScheduledEvent | undefined;
  pop(): ScheduledEvent | undefined;
}

export function createEventHeap(): EventHeap {
  const heap: ScheduledEvent[] = [];

  function pop(): ScheduledEvent | undefined {
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || last === first) return first;
    let hole = 0;
    for (;;) {
      const left = 2 * hole + 1;
      let child = heap[left];
      let childIndex = left;
      const right = heap[left + 1];
      if (child && right && isBefore(right, child)) {
        child = right;
        childIndex = left + 1;
      }
      if (!child || isBefore(last, child)) break;
      heap[hole] = child;
      hole = childIndex;
    }
    heap[hole] = last;
    return first;
  }

  return {
    push(event) {
      let hole = heap.length;
      while (hole > 0) {
        const parentIndex = (hole - 1) >> 1;
        const parent = heap[parentIndex];
        if (!parent || isBefore(parent, event)) break;
        heap[hole] = parent;
        hole = parentIndex;
      }
      heap[hole] = event;
    },
    peek: () => heap[0],
    pop,
  };
}

function isBefore(a: ScheduledEvent, b: ScheduledEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
