/**
 * Makes text that came from elsewhere fit for one line of a log or an error: control characters (line ends and
 * escape codes with them) become `\xNN` or `\u{NN}`, and what is longer than `max` characters (200) is cut.
 */
export function printable(text: string, { max = 200 }: { readonly max?: number } = {}): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}
