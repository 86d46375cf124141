// An esbuild plugin: etcd3 reads and parses its .proto file when it is loaded, from a folder beside its own. In a
// bundle there is no such folder, so what the file says is put in its place, parsed already.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const LOAD = "loadSync)(`${__dirname}/../proto/rpc.proto`";

export const inlineEtcdProto = {
  name: "inline-etcd-proto",
  setup(build) {
    build.onLoad({ filter: /etcd3\/lib\/connection-pool\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      if (!source.includes(LOAD)) throw new Error(`expected ${LOAD} in ${path}: has etcd3 changed?`);
      const schema = await parseProto(path);
      return { contents: source.replace(LOAD, `fromJSON)(${schema}`), loader: "js" };
    });
  },
};

async function parseProto(etcd3File) {
  const ofEtcd3 = createRequire(etcd3File);
  const protobuf = createRequire(ofEtcd3.resolve("@grpc/proto-loader"))("protobufjs");
  const root = new protobuf.Root();
  root.loadSync(join(dirname(etcd3File), "../proto/rpc.proto"), { keepCase: true });
  return JSON.stringify(root.toJSON());
}
