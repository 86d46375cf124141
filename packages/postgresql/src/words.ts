/**
 * Returns the words of a line, parted at white space, as a shell would read it: what is between quotes is one word, and
 * a backslash takes the next character as it is (not between single quotes). Throws a `TypeError` where a quote is not
 * closed, or nothing follows a backslash.
 */
export function splitWords(line: string): readonly string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? "";
    if (character === "\\" && quote !== "'") {
      at += 1;
      if (at === line.length) throw new TypeError("expected a character after the last backslash");
      word = (word ?? "") + (line[at] ?? "");
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word = (word ?? "") + character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== "") throw new TypeError(`expected every ${quote} to be closed`);
  if (word !== undefined) words.push(word);
  return words;
}
