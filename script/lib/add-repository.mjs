// Writes where a package comes from into every package.json of packages/: repository with its directory, homepage and
// bugs. Run by the release, whose environment says which repository this is; npm refuses to prove the origin of a package
// that names another one. Usage: REPOSITORY_URL=https://HOST/OWNER/NAME node script/lib/add-repository.mjs [ROOT]
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const { REPOSITORY_URL, GITHUB_SERVER_URL, GITHUB_REPOSITORY } = process.env;
const url = REPOSITORY_URL ?? (GITHUB_REPOSITORY && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}`);
if (!url || !/^https:\/\/[^/]+\/.+[^/]$/.test(url)) {
  console.error(
    `REPOSITORY_URL: expected the https URL of this repository, got ${JSON.stringify(url ?? "")}`,
  );
  process.exit(64);
}
const root = process.argv[2] ?? ".";

for (const name of readdirSync(join(root, "packages"))) {
  const file = join(root, "packages", name, "package.json");
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  if (manifest.private) continue;
  const directory = `packages/${name}`;
  manifest.homepage = `${url}/tree/main/${directory}#readme`;
  manifest.bugs = { url: `${url}/issues` };
  manifest.repository = { type: "git", url: `git+${url}.git`, directory };
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}
