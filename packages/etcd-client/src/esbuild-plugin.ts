import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/** As much of esbuild's `Plugin` as is needed here. */
export interface EsbuildPlugin {
  readonly name: string;
  setup(build: {
    onLoad(
      options: { readonly filter: RegExp },
      load: (file: {
        readonly path: string;
      }) => Promise<{ readonly contents: string; readonly loader: "js" }>,
    ): void;
  }): void;
}

const loadsProto = /\(0, proto_loader_1\.loadSync\)\(`\$\{__dirname\}\/\.\.\/proto\/rpc\.proto`, \{/;

/**
 * Lets esbuild put etcd3 into a bundle: etcd3 reads and parses `proto/rpc.proto` beside its own file when it loads;
 * with this plugin the parsed definitions are part of the bundle. Fails the build when etcd3's source is not the one
 * it knows. An ESM bundle also needs a `require`, see the README.
 */
export function inlineEtcdProto(): EsbuildPlugin {
  return {
    name: "inline-etcd-proto",
    setup(build) {
      build.onLoad({ filter: /[\\/]etcd3[\\/]lib[\\/]connection-pool\.js$/ }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        if (!loadsProto.test(source))
          throw new Error(`expected ${path} to load rpc.proto as etcd3 1.1.2 does`);
        const definitions = JSON.stringify(parseProto(path));
        const contents = source.replace(loadsProto, () => `(0, proto_loader_1.fromJSON)(${definitions}, {`);
        return { contents, loader: "js" };
      });
    },
  };
}

/** By the parser that etcd3 itself comes to use, wherever that is installed. */
function parseProto(connectionPool: string): object {
  const protoLoader = createRequire(connectionPool).resolve("@grpc/proto-loader");
  const { Root } = createRequire(protoLoader)("protobufjs") as {
    Root: new () => { loadSync(path: string, options: object): { resolveAll(): { toJSON(): object } } };
  };
  const file = join(dirname(connectionPool), "..", "proto", "rpc.proto");
  return new Root().loadSync(file, { keepCase: true }).resolveAll().toJSON();
}
