import { StringDecoder } from "node:string_decoder";

/** Which piece of a line it is: `first` and `later` of one that was too long. */
export type LinePiece = "whole" | "first" | "later";

/**
 * Makes lines of chunks: calls `onLine` for each line, without its end. `end()` passes on what is left without one.
 * A line longer than `longest` characters (default: 8,192) comes in pieces of that length.
 */
export function splitLines(
  onLine: (line: string, piece: LinePiece) => void,
  { longest = 8_192 }: { readonly longest?: number } = {},
): { write(chunk: Uint8Array): void; end(): void } {
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
    for (; left.length > longest; left = left.slice(longest)) {
      onLine(left.slice(0, longest), isCut ? "later" : "first");
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
