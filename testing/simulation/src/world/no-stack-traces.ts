/** Makes errors without their stack until disposed of: most errors here are part of the game, and a stack costs more. */
export function withoutStackTraces(): Disposable {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  return {
    [Symbol.dispose]() {
      Error.stackTraceLimit = stackTraceLimit;
    },
  };
}
