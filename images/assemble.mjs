// Run while an image is built, in the sources: lays out what an app brings into its image.
// Usage: node images/assemble.mjs APP FOLDER [ETCD_RELEASE ETCD_DOWNLOAD]
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

const ARCHITECTURES = { x64: "amd64", arm64: "arm64" };
const arch = ARCHITECTURES[process.arch];
const [app, folder, etcdRelease, etcdDownload] = process.argv.slice(2);

if (!arch) {
  fail(`unsupported architecture ${process.arch}, expected one of ${Object.keys(ARCHITECTURES).join(", ")}`);
}
const target = `${folder}/opt/msdha`;
copyPrograms();
// The others have it from the backend, which they come on top of.
if (app !== "postgresql") copyRest();
if (etcdRelease) await addEtcdctl(etcdRelease.replace(/^v/, ""));

function copyPrograms() {
  mkdirSync(`${target}/bin`, { recursive: true });
  mkdirSync(`${target}/dist`);
  for (const file of readdirSync(`packages/${app}/bin`, { withFileTypes: true })) {
    if (file.isFile()) cpSync(`packages/${app}/bin/${file.name}`, `${target}/bin/${file.name}`);
  }
  for (const name of readdirSync(`packages/${app}/dist`)) {
    copyFileSync(`packages/${app}/dist/${name}`, `${target}/dist/${name}`);
  }
}

/** The guard, Node, and the places outside of /opt/msdha. */
function copyRest() {
  cpSync(`packages/guard/bin/linux-${process.arch}`, `${target}/bin/linux-${process.arch}`, {
    recursive: true,
  });
  copyFileSync("LICENSE", `${target}/LICENSE`);
  // For --version.
  copyFileSync(`packages/${app}/package.json`, `${target}/package.json`);
  // Not into bin, which is first in the PATH of the hooks: a program with a Node of its own must find that one.
  mkdirSync(`${target}/lib`);
  execFileSync("strip", ["-o", `${target}/lib/node`, process.execPath]);
  mkdirSync(`${folder}/bin`);
  symlinkSync(`/opt/msdha/bin/msdha-${app}`, `${folder}/bin/msdha-${app}`);
  // The operator's command, for `docker exec`.
  cpSync("packages/cli/bin/msdha", `${target}/bin/msdha`);
  copyFileSync("packages/cli/dist/msdha.mjs", `${target}/dist/msdha.mjs`);
  symlinkSync("/opt/msdha/bin/msdha", `${folder}/bin/msdha`);
  // Any user that the container is started as may use it.
  mkdirSync(`${folder}/run/msdha`, { recursive: true });
  chmodSync(`${folder}/run/msdha`, 0o1777);
}

async function addEtcdctl(release) {
  const name = `etcd-v${release}-linux-${arch}`;
  const url = `${etcdDownload}/v${release}/${name}.tar.gz`;
  const response = await fetch(url);
  if (!response.ok) fail(`ETCD_RELEASE=${release}: ${url} answered ${response.status}`);
  writeFileSync("/etcd.tar.gz", Buffer.from(await response.arrayBuffer()));
  execFileSync("tar", ["-xzf", "/etcd.tar.gz", "-C", "/", `${name}/etcdctl`], { stdio: "inherit" });
  copyFileSync(`/${name}/etcdctl`, `${target}/bin/etcdctl`);
  rmSync("/etcd.tar.gz");
}

function fail(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
