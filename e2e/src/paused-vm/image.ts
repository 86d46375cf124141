import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { backendCommand } from "../support/paths.ts";

/** A kernel, its modules and busybox, which script/lib/vm.sh puts there. */
export const vmTools: string = fileURLToPath(new URL("../../../.tools/vm", import.meta.url));

/** In the order in which they are loaded. */
const MODULES = [
  ...["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci"],
  ...["failover", "net_failover", "virtio_net"],
];

/** The address of the machine outside, as QEMU's own network has it. */
export const HOST = "10.0.2.2";

/** Why no virtual machine can be started here, if that is so. */
export function findVmObstacle(): string | undefined {
  const missing = ["vmlinuz", "busybox", ...MODULES.map((name) => `${name}.ko`)].find(
    (file) => !existsSync(join(vmTools, file)),
  );
  if (missing) return `no .tools/vm/${missing}: script/test downloads it`;
  try {
    execFileSync("qemu-system-x86_64", ["--version"], { stdio: "ignore" });
  } catch {
    return "no qemu-system-x86_64";
  }
  return undefined;
}

/** Makes an initramfs in which a backend runs, again and again, with a program that writes a line every 0.1 s. */
export function makeImage(folder: string, environment: Readonly<Record<string, string>>): string {
  const root = join(folder, "root");
  for (const dir of ["bin", "dev", "proc", "sys", "run", "tmp", "modules", "hooks", "msdha"]) {
    mkdirSync(join(root, dir), { recursive: true });
  }
  copyFileSync(join(vmTools, "busybox"), join(root, "bin/busybox"));
  for (const name of MODULES) copyFileSync(join(vmTools, `${name}.ko`), join(root, "modules", `${name}.ko`));
  for (const file of [process.execPath, ...librariesOf(process.execPath)]) {
    const target = join(root, file === process.execPath ? "bin/node" : file);
    mkdirSync(dirname(target), { recursive: true });
    copyFileSync(file, target);
  }
  const backend = dirname(dirname(backendCommand));
  cpSync(join(backend, "bin"), join(root, "msdha/bin"), { recursive: true, dereference: true });
  mkdirSync(join(root, "msdha/dist"));
  copyFileSync(join(backend, "dist/msdha-backend.mjs"), join(root, "msdha/dist/msdha-backend.mjs"));
  const script = (file: string, text: string): void =>
    writeFileSync(join(root, file), `#!/bin/busybox sh\n${text}`, { mode: 0o755 });
  script("init", initScript(environment));
  script("hooks/start", "while :; do echo beat; sleep 0.1; done >/dev/ttyS1\n");
  const image = join(folder, "initramfs");
  execFileSync(
    "sh",
    ["-c", `find . | ${join(vmTools, "busybox")} cpio -o -H newc >"$1" 2>/dev/null`, "sh", image],
    {
      cwd: root,
    },
  );
  return image;
}

function initScript(environment: Readonly<Record<string, string>>): string {
  const variables = Object.entries(environment).map(([name, value]) => `${name}='${value}'`);
  return `/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
for module in ${MODULES.join(" ")}; do insmod /modules/$module.ko; done
ip link set lo up
ip addr add 10.0.2.15/24 dev eth0
ip link set eth0 up
while :; do
  env -i PATH=/bin MSDHA_NODE=/bin/node MSDHA_RUN_DIR=/run/msdha MSDHA_HOOKS_DIR=/hooks ${variables.join(" ")} /msdha/bin/msdha-backend
  echo "ended with $?"
  sleep 1
done >/dev/ttyS0 2>&1
`;
}

/** What a program is linked with, the loader included. */
function librariesOf(program: string): readonly string[] {
  const output = execFileSync("ldd", [program], { encoding: "utf8" });
  return [...output.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path as string);
}

/** How many lines a file has. */
export function countLines(file: string): number {
  return existsSync(file) ? readFileSync(file, "latin1").split("\n").length - 1 : 0;
}
