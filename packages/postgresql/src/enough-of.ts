const GRACE_MS = 200;

/**
 * Resolves with the answers that came: when all have, or a moment after there were enough. Rejects with the first error when there
 * can't be enough any more.
 */
export async function enoughOf<T>(
  questions: readonly Promise<T>[],
  enough: number,
  { sleep }: { readonly sleep: (ms: number) => Promise<void> },
): Promise<readonly T[]> {
  const answers: T[] = [];
  const errors: unknown[] = [];
  const reached = new Promise<void>((resolve, reject) => {
    if (enough === 0) resolve();
    for (const question of questions) {
      question.then(
        (answer) => {
          answers.push(answer);
          if (answers.length >= enough) resolve();
        },
        (error: unknown) => {
          errors.push(error);
          if (questions.length - errors.length < enough) reject(errors[0]);
        },
      );
    }
  });
  await reached;
  if (answers.length + errors.length < questions.length) {
    await Promise.race([Promise.allSettled(questions), sleep(GRACE_MS)]);
  }
  return [...answers];
}
