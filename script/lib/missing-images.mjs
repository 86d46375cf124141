// missing-images.mjs: reads what `docker buildx bake --print` says, and prints the targets of which a tag is missing in the
// registry, one a line. A tag that is there is never written again, but for `latest`, which moves. Fails when the registry gives
// another answer than "it is there" and "it is not".
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** How engines and registries say that there is no such image. */
const MISSING = /no such manifest|manifest unknown|name unknown|not found/i;

const { target: targets } = JSON.parse(readFileSync(0, "utf8"));
for (const [name, { tags = [] }] of Object.entries(targets)) {
  const fixed = tags.filter((tag) => !/:latest(-|$)/.test(tag));
  if (fixed.length === 0) fail(`${name} has no tag but latest`);
  const there = fixed.filter(isThere);
  for (const tag of there) process.stderr.write(`${tag} is there, and is left as it is\n`);
  if (there.length === 0) process.stdout.write(`${name}\n`);
  else if (there.length < fixed.length)
    fail(
      `${name}: of ${fixed.join(", ")} only ${there.join(", ")} is there: remove it, or release a new version`,
    );
}

function isThere(tag) {
  const insecure = /^(localhost|127\.0\.0\.1):/.test(tag) ? ["--insecure"] : [];
  try {
    execFileSync("docker", ["manifest", "inspect", ...insecure, tag], { stdio: "pipe", encoding: "utf8" });
    return true;
  } catch (error) {
    if (MISSING.test(error.stderr ?? "")) return false;
    return fail(`${tag}: ${error.stderr || error.message}`);
  }
}

function fail(why) {
  process.stderr.write(`missing-images: ${why}\n`);
  process.exit(1);
}
