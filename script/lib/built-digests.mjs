// built-digests.mjs: reads the metadata of `docker buildx bake`, and prints what was pushed as NAME@DIGEST, one a line, each once:
// what is signed is what was built, whatever its tags point to meanwhile.
import { readFileSync } from "node:fs";

const images = new Set();
for (const [target, built] of Object.entries(JSON.parse(readFileSync(0, "utf8")))) {
  const digest = built?.["containerimage.digest"];
  if (digest === undefined) continue;
  for (const name of (built["image.name"] ?? "").split(",").filter(Boolean))
    images.add(`${name.replace(/:[^:/]*$/, "")}@${digest}`);
  if (!built["image.name"]) {
    process.stderr.write(`built-digests: ${target} has a digest and no name\n`);
    process.exit(1);
  }
}
if (images.size === 0) {
  process.stderr.write("built-digests: nothing was built\n");
  process.exit(1);
}
process.stdout.write(`${[...images].join("\n")}\n`);
