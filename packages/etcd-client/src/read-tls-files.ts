import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { codeOf, type Environment, isPem, type Report, readVariable } from "./read-variable.ts";
import type { EtcdTlsFiles } from "./settings.ts";
import type { EtcdSettingProblem } from "./settings-error.ts";

/** What an error may show of where a PEM file was given. */
interface Place {
  readonly variable: string;
  readonly got: string;
}

/** One that can't be read is reported, and is no `file`. */
interface GivenPem extends Place {
  readonly file?: { readonly path: string; readonly pem: string };
}

/** Reads `ETCDCTL_CACERT`, `ETCDCTL_CERT` and `ETCDCTL_KEY`, and looks at the files; undefined when none is given. */
export function readTlsFiles(environment: Environment, report: Report): EtcdTlsFiles | undefined {
  const ca = readPem(environment, "ETCDCTL_CACERT", report);
  const cert = readPem(environment, "ETCDCTL_CERT", report);
  const key = readPem(environment, "ETCDCTL_KEY", report);
  if (cert && !key)
    report({ variable: "ETCDCTL_KEY", expected: "the key of the certificate in ETCDCTL_CERT" });
  if (key && !cert)
    report({ variable: "ETCDCTL_CERT", expected: "the certificate of the key in ETCDCTL_KEY" });
  if (ca?.file) {
    const { variable, got } = ca;
    tryContext({ ca: ca.file.pem }, { variable, expected: "a file of PEM certificates", got }, report);
  }
  if (cert?.file && key?.file) {
    const { variable, got } = cert;
    const expected = "a PEM certificate that ETCDCTL_KEY is the key of";
    tryContext({ cert: cert.file.pem, key: key.file.pem }, { variable, expected, got }, report);
  }
  if (!ca && !cert) return undefined;
  return {
    ...(ca?.file && { ca: ca.file.path }),
    ...(cert?.file && key?.file && { cert: cert.file.path, key: key.file.path }),
  };
}

function readPem(environment: Environment, variable: string, report: Report): GivenPem | undefined {
  const given = readVariable(environment, variable, report);
  if (!given) return undefined;
  const { value, file } = given;
  // No message holds what is in a file.
  const place =
    file === undefined ? { variable, got: value ?? "" } : { variable: `${variable}_FILE`, got: file };
  if (value === undefined) return place;
  return file !== undefined && isPem(value)
    ? { ...place, file: { path: file, pem: value } }
    : readPath(value, place, report);
}

function readPath(path: string, place: Place, report: Report): GivenPem {
  try {
    if (!isPem(path)) return { ...place, file: { path, pem: readFileSync(path, "utf8") } };
    report({ variable: place.variable, expected: "the path of a PEM file, not its text" });
  } catch (error) {
    const what =
      path === place.got ? "the path of a PEM file" : "a PEM file, or a file with the path of one,";
    report({ ...place, expected: `${what} that can be read (${codeOf(error)})` });
  }
  return place;
}

function tryContext(
  parts: Parameters<typeof createSecureContext>[0],
  problem: EtcdSettingProblem,
  report: Report,
): void {
  try {
    if (parts?.ca && !String(parts.ca).includes("-----BEGIN CERTIFICATE-----"))
      throw new Error("no certificate");
    createSecureContext(parts);
  } catch {
    report(problem);
  }
}
