import { fileURLToPath } from "node:url";

const root = new URL("../../../", import.meta.url);

/** The commands as users have them: the built bundles behind the packages' own wrappers. */
export const backendCommand: string = fileURLToPath(new URL("packages/backend/bin/msdha-backend", root));
export const frontendCommand: string = fileURLToPath(new URL("packages/frontend/bin/msdha-frontend", root));
export const beater: string = fileURLToPath(new URL("e2e/programs/beater.pl", root));
export const note: string = fileURLToPath(new URL("e2e/programs/note.pl", root));
export const promoted: string = fileURLToPath(new URL("e2e/programs/promoted.pl", root));
export const msdhaCommand: string = fileURLToPath(new URL("packages/cli/bin/msdha", root));
