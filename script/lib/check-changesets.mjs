// check-changesets.mjs: reads the changesets as a release would, and fails at one that can't be read or names a package
// that isn't there. Unlike `changeset status` it needs no branch to compare with.
import { getReleasePlan } from "@changesets/get-release-plan";

try {
  const { releases } = await getReleasePlan(process.cwd());
  for (const { name, type, newVersion } of releases) console.log(`${name} ${newVersion} (${type})`);
} catch (error) {
  console.error(`changesets: ${error.message}`);
  process.exitCode = 1;
}
