import { closeSync, openSync, readSync } from "node:fs";

const CHUNK = 1024 * 1024;

/** Reads what is added to a file, line by line. Returns a function that reads on to the file's present end. */
export function followLines(path: string, onLine: (line: string) => void): () => void {
  let position = 0;
  let begun = "";
  const chunk = Buffer.alloc(CHUNK);
  return () => {
    const file = openSync(path, "r");
    try {
      for (;;) {
        const size = readSync(file, chunk, 0, CHUNK, position);
        if (size === 0) return;
        position += size;
        const lines = (begun + chunk.toString("latin1", 0, size)).split("\n");
        begun = lines.pop() ?? "";
        for (const line of lines) onLine(line);
      }
    } finally {
      closeSync(file);
    }
  };
}
