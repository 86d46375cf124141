import { fileURLToPath } from "node:url";
import { execa } from "execa";

export const root: string = fileURLToPath(new URL("../../../../", import.meta.url));

/** `docker build`, in the repository's root, of a folder of it. */
export async function buildImage(
  tag: string,
  folder: string,
  options: { readonly file?: string; readonly args?: Readonly<Record<string, string>> } = {},
): Promise<void> {
  const args = Object.entries(options.args ?? {}).flatMap(([name, value]) => [
    "--build-arg",
    `${name}=${value}`,
  ]);
  const file = options.file ? ["--file", options.file] : [];
  await execa("docker", ["build", "--quiet", "--tag", tag, ...file, ...args, folder], { cwd: root });
}
