import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Child, startChild, tempDir, waitFor } from "@msdha/testkit";
import { countLines, makeImage, vmTools } from "./image.ts";

/** A virtual machine in which a backend runs. QEMU carries out its instructions itself, so that it takes no KVM. */
export interface VirtualMachine extends AsyncDisposable {
  readonly child: Child;
  /** What the backend has logged, and the kernel. */
  log(): string;
  /** How often the backend's program has shown that it is alive. */
  beats(): number;
  /** Stops it, and all its clocks with it. */
  pause(): Promise<void>;
  /** Has it go on as if nothing had been. */
  resume(): Promise<void>;
  /** Plugs its network card out or in. */
  setLink(up: boolean): Promise<void>;
}

export async function startVirtualMachine(
  environment: Readonly<Record<string, string>>,
): Promise<VirtualMachine> {
  const folder = tempDir();
  const [log, beats, socket] = ["log", "beats", "qmp"].map((name) => join(folder.path, name)) as [
    string,
    string,
    string,
  ];
  const image = makeImage(folder.path, environment);
  const child = startChild(
    "qemu-system-x86_64",
    [
      ...["-accel", "tcg", "-cpu", "max", "-m", "1024"],
      ...["-display", "none", "-nodefaults", "-no-reboot"],
      ...["-kernel", join(vmTools, "vmlinuz"), "-initrd", image],
      ...["-append", "console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off"],
      ...["-serial", `file:${log}`, "-serial", `file:${beats}`],
      ...["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,id=card,romfile="],
      ...["-qmp", `unix:${socket},server=on,wait=off`],
    ],
    { logFile: join(folder.path, "qemu"), env: { PATH: process.env["PATH"] } },
  );
  await waitFor(() => existsSync(socket), { what: "QEMU" });
  const execute = (command: string, argumentsOf = {}) => executeOn(socket, command, argumentsOf);
  return {
    child,
    log: () => (existsSync(log) ? readFileSync(log, "utf8") : ""),
    beats: () => countLines(beats),
    pause: () => execute("stop"),
    resume: () => execute("cont"),
    setLink: (up) => execute("set_link", { name: "card", up }),
    async [Symbol.asyncDispose]() {
      await child.kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Sends QEMU one command. Rejects with what it answers if that is an error. */
async function executeOn(path: string, command: string, argumentsOf: object): Promise<void> {
  const socket = connect(path);
  try {
    const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
    const answer = async (): Promise<void> => {
      for (;;) {
        const { value, done } = await lines.next();
        if (done) throw new Error(`QEMU did not answer ${command}`);
        const { error, return: result } = JSON.parse(value) as { error?: { desc: string }; return?: unknown };
        if (error) throw new Error(`QEMU refused ${command}: ${error.desc}`);
        if (result !== undefined) return;
      }
    };
    await lines.next();
    for (const request of [{ execute: "qmp_capabilities" }, { execute: command, arguments: argumentsOf }]) {
      socket.write(`${JSON.stringify(request)}\n`);
      await answer();
    }
  } finally {
    socket.destroy();
  }
}
