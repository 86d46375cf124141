import { fileURLToPath } from "node:url";
import { execa } from "execa";

export const root: string = fileURLToPath(new URL("../../../../", import.meta.url));

/** `docker build`, in the repository's root, of a folder of it; `.` is all of it. */
export async function buildImage(
  tag: string,
  folder: string,
  options: {
    readonly file?: string;
    readonly target?: string;
    readonly args?: Readonly<Record<string, string>>;
    readonly network?: string;
  } = {},
): Promise<void> {
  const args = Object.entries(options.args ?? {}).flatMap(([name, value]) => [
    "--build-arg",
    `${name}=${value}`,
  ]);
  const file = options.file ? ["--file", options.file] : [];
  const target = options.target ? ["--target", options.target] : [];
  const network = options.network ? ["--network", options.network] : [];
  const flags = ["--quiet", "--tag", tag, ...file, ...target, ...network, ...args];
  await execa("docker", ["build", ...flags, folder], { cwd: root });
}

/** The size of an image in bytes, with everything below it. */
export async function imageSize(image: string): Promise<number> {
  const { stdout } = await execa("docker", ["image", "inspect", "--format", "{{.Size}}", image]);
  return Number(stdout);
}
