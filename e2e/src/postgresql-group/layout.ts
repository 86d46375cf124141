import { chmod, mkdtemp, open, rm, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where a demo's group lives: a folder, and a block of loopback addresses with one port that is free on all of them. */
export interface Layout {
  readonly folder: string;
  /** Says what the data are kept on, for people. */
  readonly storage: string;
  /** One for each node. */
  readonly addresses: readonly string[];
  readonly frontendAddress: string;
  readonly port: number;
}

const USUAL_PORT = 5432;
const SLOW_FSYNC_MS = 10;
const ENOUGH_BYTES = 2 * 1024 ** 3;
/** PostgreSQL's socket has to fit into the 107 bytes that the kernel allows. */
const LONGEST_FOLDER = 60;

/** Finds a place for so many nodes. Rejects when there is none. */
export async function makeLayout(nodes: number): Promise<Layout> {
  const { folder, storage } = await makeFolder();
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const block = `127.${64 + random(128)}.${random(256)}`;
    const addresses = Array.from({ length: nodes }, (_, index) => `${block}.${index + 1}`);
    const frontendAddress = `${block}.100`;
    const port = attempt < 5 ? USUAL_PORT : 20_000 + random(10_000);
    if (await areFree([...addresses, frontendAddress], port)) {
      return { folder, storage, addresses, frontendAddress, port };
    }
  }
  await rm(folder, { recursive: true });
  throw new Error("found no port that is free on four loopback addresses (127.x.y.z)");
}

/**
 * A disk is the honest place for a database. Memory is taken only where a write to the disk takes so long that one
 * would measure the disk.
 */
async function makeFolder(): Promise<{ folder: string; storage: string }> {
  const base = tmpdir().length > LONGEST_FOLDER - 20 ? "/tmp" : tmpdir();
  const folder = await mkdtemp(join(base, "msdha-demo-"));
  // The user postgres has to get through to its own folders in it.
  await chmod(folder, 0o711);
  const fsyncMs = await measureFsync(folder);
  const storage = `${folder} (an fsync takes ${fsyncMs.toFixed(1)} ms)`;
  if (fsyncMs < SLOW_FSYNC_MS || !(await hasRoom("/dev/shm"))) return { folder, storage };
  await rm(folder, { recursive: true });
  const memory = await mkdtemp("/dev/shm/msdha-demo-");
  await chmod(memory, 0o711);
  return {
    folder: memory,
    storage: `${memory}, in memory, since an fsync in ${base} takes ${fsyncMs.toFixed(0)} ms`,
  };
}

/** The median of some writes of one database page. */
async function measureFsync(folder: string): Promise<number> {
  const page = Buffer.alloc(8_192, 1);
  const path = join(folder, "fsync");
  const file = await open(path, "w");
  const times: number[] = [];
  try {
    for (let write = 0; write < 15; write += 1) {
      const begun = performance.now();
      await file.write(page);
      await file.datasync();
      times.push(performance.now() - begun);
    }
  } finally {
    await file.close();
    await rm(path);
  }
  return times.sort((a, b) => a - b)[7] ?? 0;
}

async function hasRoom(folder: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize >= ENOUGH_BYTES;
  } catch {
    return false;
  }
}

async function areFree(addresses: readonly string[], port: number): Promise<boolean> {
  const results = await Promise.all(addresses.map((address) => isFree(address, port)));
  return results.every(Boolean);
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, address, () => server.close(() => resolve(true)));
  });
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
