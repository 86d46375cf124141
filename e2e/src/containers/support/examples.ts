import { buildImage } from "./images.ts";

const EXAMPLES = "images/backend/examples";

/** The image of the example that is built `FROM msdha-backend`: a program that tells its node's name on port 7000. */
export const TELLER = "msdha-example-as-base";
export const TELLER_PORT = 7_000;

export async function buildTeller(): Promise<void> {
  await buildImage(TELLER, EXAMPLES, { file: `${EXAMPLES}/as-base/Dockerfile` });
}

export async function buildOnOwnBase(image: string): Promise<void> {
  await buildImage("msdha-example-own", EXAMPLES, { file: `${EXAMPLES}/own-base/Dockerfile` });
  await buildImage(image, ".", {
    target: "backend",
    args: { BASE_IMAGE: "msdha-example-own", START_HOOK: `${EXAMPLES}/start` },
  });
}

export async function buildByCopyingIn(image: string): Promise<void> {
  await buildImage(image, EXAMPLES, { file: `${EXAMPLES}/copy-in/Dockerfile` });
}
