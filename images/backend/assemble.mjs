// Run while the image is built: makes /opt/msdha whole for this architecture, and lays out what goes elsewhere.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };
const arch = ARCHITECTURES[process.arch];
const guards = `/opt/msdha/bin/linux-${process.arch}`;

if (!arch)
  fail(`unsupported architecture ${process.arch}, expected one of ${Object.keys(ARCHITECTURES).join(", ")}`);
if (!existsSync(`${guards}/msdha-guard`)) {
  fail(`no guard for ${process.arch} in the folder app: run script/images, and see packages/guard/build.sh`);
}
for (const folder of readdirSync("/opt/msdha/bin", { withFileTypes: true })) {
  if (folder.isDirectory() && `/opt/msdha/bin/${folder.name}` !== guards) {
    rmSync(`/opt/msdha/bin/${folder.name}`, { recursive: true });
  }
}

// Not into bin, which is first in the PATH of the hooks: a program with a Node of its own must find that one.
mkdirSync("/opt/msdha/lib");
execFileSync("strip", ["-o", "/opt/msdha/lib/node", process.execPath]);

const [etcdRelease, etcdDownload] = process.argv.slice(2);
if (etcdRelease) await addEtcdctl(etcdRelease.replace(/^v/, ""));

mkdirSync("/msdha/bin", { recursive: true });
symlinkSync("/opt/msdha/bin/msdha-backend", "/msdha/bin/msdha-backend");
// Any user that the container is started as may use it.
mkdirSync("/msdha/run/msdha", { recursive: true });
chmodSync("/msdha/run/msdha", 0o1777);

async function addEtcdctl(release) {
  const name = `etcd-v${release}-linux-${arch}`;
  const url = `${etcdDownload}/v${release}/${name}.tar.gz`;
  const response = await fetch(url);
  if (!response.ok) fail(`ETCD_RELEASE=${release}: ${url} answered ${response.status}`);
  writeFileSync("/etcd.tar.gz", Buffer.from(await response.arrayBuffer()));
  execFileSync("tar", ["-xzf", "/etcd.tar.gz", "-C", "/", `${name}/etcdctl`], { stdio: "inherit" });
  copyFileSync(`/${name}/etcdctl`, "/opt/msdha/bin/etcdctl");
}

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
