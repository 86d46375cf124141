// Run while the image is built: makes /opt/msdha whole for this architecture, and lays out what goes elsewhere.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";

const guards = `linux-${process.arch}`;
if (!existsSync(`/opt/msdha/bin/${guards}/msdha-guard`)) {
  process.stderr.write(`no guard for ${process.arch} in the folder app: run script/images\n`);
  process.exit(1);
}
for (const entry of readdirSync("/opt/msdha/bin", { withFileTypes: true })) {
  if (entry.isDirectory() && entry.name !== guards)
    rmSync(`/opt/msdha/bin/${entry.name}`, { recursive: true });
}

mkdirSync("/opt/msdha/lib");
execFileSync("strip", ["-o", "/opt/msdha/lib/node", process.execPath]);

mkdirSync("/msdha/bin", { recursive: true });
symlinkSync("/opt/msdha/bin/msdha-frontend", "/msdha/bin/msdha-frontend");
// Any user that the container is started as may use it.
mkdirSync("/msdha/run/msdha", { recursive: true });
chmodSync("/msdha/run/msdha", 0o1777);
