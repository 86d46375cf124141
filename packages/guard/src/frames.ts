const LENGTH_BYTES = 4;

/** Splits what comes in chunks of any size into frames (a little-endian u32 length, then that many bytes). */
export function createFrameReader(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer[] = [];
  let size = 0;
  let needed = LENGTH_BYTES;

  return (chunk) => {
    rest.push(chunk);
    size += chunk.length;
    if (size < needed) return []; // a long frame is put together once, not at each of its chunks
    const bytes = rest.length === 1 ? chunk : Buffer.concat(rest, size);
    const frames: Buffer[] = [];
    let at = 0;
    for (;;) {
      const left = bytes.length - at;
      needed = left < LENGTH_BYTES ? LENGTH_BYTES : LENGTH_BYTES + bytes.readUInt32LE(at);
      if (left < needed) break;
      frames.push(bytes.subarray(at + LENGTH_BYTES, at + needed));
      at += needed;
    }
    rest = at < bytes.length ? [bytes.subarray(at)] : [];
    size = bytes.length - at;
    return frames;
  };
}

/** Puts a length before `parts`. */
export function frame(...parts: readonly Uint8Array[]): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(parts.reduce((sum, part) => sum + part.length, 0));
  return Buffer.concat([length, ...parts]);
}
