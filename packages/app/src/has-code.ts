/**
 * Returns whether `error` has one of these codes. Errors of other packages are recognised by their code, never by
 * `instanceof`: a program may have two copies of a package.
 */
export function hasCode<Kind extends Error & { readonly code: string }>(
  error: unknown,
  ...codes: readonly Kind["code"][]
): error is Kind {
  return error instanceof Error && "code" in error && (codes as readonly unknown[]).includes(error.code);
}
