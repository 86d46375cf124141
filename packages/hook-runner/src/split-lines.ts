import { StringDecoder } from "node:string_decoder";

/**
 * Makes lines of chunks: calls `onLine` for each line, without its end. `end()` passes on what is left without one.
 * A line longer than `longest` characters (default: 8,192) comes in pieces of that length.
 */
export function splitLines(
  onLine: (line: string) => void,
  { longest = 8_192 }: { readonly longest?: number } = {},
): { write(chunk: Uint8Array): void; end(): void } {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  const take = (text: string): void => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) pass(line.endsWith("\r") ? line.slice(0, -1) : line);
    while (rest.length > longest) {
      onLine(rest.slice(0, longest));
      rest = rest.slice(longest);
    }
  };
  const pass = (line: string): void => {
    let left = line;
    while (left.length > longest) {
      onLine(left.slice(0, longest));
      left = left.slice(longest);
    }
    onLine(left);
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
