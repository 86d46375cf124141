import { StringDecoder } from "node:string_decoder";

/** Which piece of a line it is: `first` and `later` of one that was too long. */
export type LinePiece = "whole" | "first" | "later";

/**
 * Makes lines of chunks: calls `onLine` for each line, without its end. `end()` passes on what is left without one.
 * A line longer than `longest` characters (default: 8,192, at least 2) comes in pieces of that length, or of one less where a
 * character of two units would be cut.
 */
export function splitLines(
  onLine: (line: string, piece: LinePiece) => void,
  { longest = 8_192 }: { readonly longest?: number } = {},
): { write(chunk: Uint8Array): void; end(): void } {
  if (!(longest >= 2)) throw new TypeError(`expected a longest of 2 or more, got ${longest}`);
  const decoder = new StringDecoder("utf8");
  let rest = "";
  let isCut = false;
  const take = (text: string): void => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) pass(line.endsWith("\r") ? line.slice(0, -1) : line);
    rest = passBeginning(rest);
  };
  const passBeginning = (line: string): string => {
    let left = line;
    while (left.length > longest) {
      const end = isFirstHalf(left.charCodeAt(longest - 1)) ? longest - 1 : longest;
      onLine(left.slice(0, end), isCut ? "later" : "first");
      left = left.slice(end);
      isCut = true;
    }
    return left;
  };
  const pass = (line: string): void => {
    const left = passBeginning(line);
    onLine(left, isCut ? "later" : "whole");
    isCut = false;
  };
  return {
    write: (chunk) => take(decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))),
    end() {
      take(decoder.end());
      if (rest !== "") pass(rest);
      rest = "";
    },
  };
}

/** Whether a unit is the first of the two of one character. */
function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00;
}
