/** Runs actions one after the other, in the order in which they came. */
export interface Turns {
  take<T>(action: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return {
    take(action) {
      const turn = last.then(action, action);
      last = turn.catch(() => {});
      return turn;
    },
  };
}
