import { execFile } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Paths of PEM files that belong together. */
export interface TlsFiles {
  readonly caCert: string;
  /** For `localhost`, 127.0.0.1 and the addresses that were asked for. */
  readonly serverCert: string;
  readonly serverKey: string;
  /** Its common name is `clientName`. */
  readonly clientCert: string;
  readonly clientKey: string;
}

export interface TlsOptions {
  /** The common name of the client certificate, which etcd takes for the user's name. Default `root`. */
  readonly clientName?: string;
  /** IP addresses of the server besides 127.0.0.1. */
  readonly addresses?: readonly string[];
}

const openssl = (...args: string[]): Promise<unknown> => run("openssl", args);
const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Makes a certificate authority in `folder` and a server's and a client's certificate signed by it, with openssl. */
export async function createTlsFiles(folder: string, options: TlsOptions = {}): Promise<TlsFiles> {
  await openssl(
    ...["req", "-x509", ...newKey, "-days", "2", "-subj", "/CN=msdha test CA"],
    ...["-keyout", join(folder, "ca.key"), "-out", join(folder, "ca.crt")],
  );
  return renewTlsFiles(folder, options);
}

/** Puts a new server's and a new client's certificate of the same authority in the place of those in `folder`. */
export async function renewTlsFiles(
  folder: string,
  { clientName = "root", addresses = [] }: TlsOptions = {},
): Promise<TlsFiles> {
  const file = (name: string): string => join(folder, name);
  const sign = async (name: string, commonName: string, extensions: string): Promise<void> => {
    await writeFile(file(`${name}.ext`), extensions);
    await openssl(
      ...["req", "-new", ...newKey, "-subj", `/CN=${commonName}`],
      ...["-keyout", file(`${name}.key.new`), "-out", file(`${name}.csr`)],
    );
    await openssl(
      ...["x509", "-req", "-in", file(`${name}.csr`), "-CA", file("ca.crt"), "-CAkey", file("ca.key")],
      ...["-CAcreateserial", "-days", "2", "-extfile", file(`${name}.ext`), "-out", file(`${name}.crt.new`)],
    );
    for (const kind of ["key", "crt"]) await rename(file(`${name}.${kind}.new`), file(`${name}.${kind}`));
  };
  const names = ["DNS:localhost", ...["127.0.0.1", ...addresses].map((address) => `IP:${address}`)].join(",");
  // etcd's own gateway connects to itself with the server's certificate, so that one must do for a client too.
  await sign("server", "localhost", `subjectAltName=${names}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  await sign("client", clientName, "extendedKeyUsage=clientAuth\n");
  return {
    caCert: file("ca.crt"),
    serverCert: file("server.crt"),
    serverKey: file("server.key"),
    clientCert: file("client.crt"),
    clientKey: file("client.key"),
  };
}
