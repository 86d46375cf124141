/** What the helper does now that takes long, in words for the `report` hook. */
export interface Activity {
  /** Returns the words of what began last and is not over; empty where nothing is. */
  readonly note: string;
  /** Notes that something begins. It is over when the result is disposed. */
  begin(note: string): Disposable & { update(note: string): void };
}

/** Makes one, of which nothing has begun. */
export function createActivity(): Activity {
  const running: { note: string }[] = [];
  return {
    get note() {
      return running.at(-1)?.note ?? "";
    },
    begin(note) {
      const one = { note };
      running.push(one);
      return {
        update(next) {
          one.note = next;
        },
        [Symbol.dispose]() {
          running.splice(running.indexOf(one), 1);
        },
      };
    },
  };
}

/** Returns the per cent in a line of `pg_basebackup --progress`; undefined for any other line. */
export function readProgress(line: string): number | undefined {
  const match = /^\s*\d+\/\d+ kB \((\d+)%\)/.exec(line);
  return match ? Number(match[1]) : undefined;
}
