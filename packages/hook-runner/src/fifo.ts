/** A first-in, first-out queue. Every operation takes the same short time, however much is waiting. */
export interface Fifo<T> {
  readonly length: number;
  push(item: T): void;
  /** Removes and returns the oldest item; undefined when there is none. */
  shift(): T | undefined;
}

interface Cell<T> {
  readonly item: T;
  next: Cell<T> | undefined;
}

export function createFifo<T>(): Fifo<T> {
  let first: Cell<T> | undefined;
  let last: Cell<T> | undefined;
  let length = 0;

  return {
    get length() {
      return length;
    },
    push(item) {
      const cell = { item, next: undefined };
      if (last) last.next = cell;
      else first = cell;
      last = cell;
      length += 1;
    },
    shift() {
      const cell = first;
      if (!cell) return undefined;
      first = cell.next;
      if (!first) last = undefined;
      length -= 1;
      return cell.item;
    },
  };
}
