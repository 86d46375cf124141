import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { isIPv4 } from "node:net";
import { join } from "node:path";
import { tempDir } from "./temp-dir.ts";

/** A DNS server on a loopback address, and a way to run programs that ask it and nothing else. */
export interface NameServer extends AsyncDisposable {
  /** The addresses of names. A name that is not here does not exist. */
  readonly names: Map<string, readonly string[]>;
  /** Whether it answers nothing, like one that is away. */
  silent: boolean;
  /** How many questions have come. */
  readonly asked: number;
  /** The beginning of a command line: what follows runs where names are looked up here, also not in /etc/hosts. */
  readonly within: readonly string[];
}

const TYPE_A = 1;
const TYPE_AAAA = 28;
const NO_SUCH_NAME = 3;
const SCRIPT =
  'mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/nsswitch.conf && shift 2 && exec "$@"';

/** Why there can be no name server here, if that is so. */
export function findNameServerObstacle(): string | undefined {
  if (process.geteuid?.() !== 0) return "a name server's port and a mount namespace take root";
  const { status, stderr } = spawnSync("unshare", ["--mount", "true"], { encoding: "utf8" });
  return status === 0 ? undefined : `no mount namespace here: ${stderr?.trim()}`;
}

/** Starts one on an address of this process's own: resolvers know no other port than 53. */
export async function startNameServer(): Promise<NameServer> {
  const folder = tempDir();
  const address = `127.53.${(process.pid >> 8) & 0xff}.${process.pid & 0xff || 1}`;
  const [resolv, switches] = [join(folder.path, "resolv.conf"), join(folder.path, "nsswitch.conf")];
  writeFileSync(resolv, `nameserver ${address}\n`);
  writeFileSync(switches, "hosts: dns\npasswd: files\ngroup: files\n");
  const names = new Map<string, readonly string[]>();
  const state = { silent: false, asked: 0 };
  const socket = createSocket("udp4");
  socket.on("message", (question, { port, address: from }) => {
    state.asked += 1;
    if (!state.silent) socket.send(answer(question, names), port, from);
  });
  socket.bind(53, address);
  await once(socket, "listening");
  return {
    names,
    get silent() {
      return state.silent;
    },
    set silent(value) {
      state.silent = value;
    },
    get asked() {
      return state.asked;
    },
    within: ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", resolv, switches],
    async [Symbol.asyncDispose]() {
      socket.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Answers a packet with one question. */
function answer(packet: Buffer, names: ReadonlyMap<string, readonly string[]>): Buffer {
  const labels: string[] = [];
  let end = 12;
  for (let length = packet[end] ?? 0; length > 0; length = packet[end] ?? 0) {
    labels.push(packet.toString("latin1", end + 1, end + 1 + length));
    end += 1 + length;
  }
  end += 5;
  const type = packet.readUInt16BE(end - 4);
  const known = names.get(labels.join(".").toLowerCase());
  const found = (known ?? []).filter((one) => type === (isIPv4(one) ? TYPE_A : TYPE_AAAA));
  const header = Buffer.from(packet.subarray(0, 12));
  header.writeUInt16BE(0x8180 | (known ? 0 : NO_SUCH_NAME), 2);
  header.writeUInt16BE(found.length, 6);
  header.writeUInt32BE(0, 8);
  return Buffer.concat([
    header,
    packet.subarray(12, end),
    ...found.map((one) => record(type, addressBytes(one))),
  ]);
}

/** A record of the name that was asked for, which nobody may keep. */
function record(type: number, data: Buffer): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([head, data]);
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const [front = "", back] = address.split("::");
  const groups = (text: string): readonly string[] => text.split(":").filter(Boolean);
  const last = groups(back ?? "");
  const middle = Array.from({ length: 8 - groups(front).length - last.length }, () => "0");
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...groups(front), ...middle, ...last].entries()) {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  }
  return bytes;
}
