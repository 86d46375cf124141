import { waitFor } from "@msdha/testkit";
import { beforeAll, describe, expect, test } from "vitest";
import { buildByCopyingIn, buildOnOwnBase, buildTeller, TELLER } from "./support/examples.ts";
import { startGroup } from "./support/group.ts";
import { startKnocker } from "./support/knocker.ts";

const ways = [
  { way: "built on top of one's own image", image: "msdha-example-own-base", build: buildOnOwnBase },
  { way: "as the base of one's own image", image: TELLER, build: buildTeller },
  { way: "copied into one's own image", image: "msdha-example-copy-in", build: buildByCopyingIn },
];

describe.each(ways)("MSDHA $way", ({ image, build }) => {
  beforeAll(() => build(image));

  test("fails over when the master is stopped, and loses no connection", async () => {
    await using group = await startGroup();
    const backends = await Promise.all([group.backend("db1", { image }), group.backend("db2", { image })]);
    const frontend = await group.frontend("front", 7000);
    const first = await group.masterAmong(backends);
    const second = backends.find((backend) => backend !== first);
    if (!second) throw new Error("expected two backends");
    await group.inState(second, "ready");
    await using knocker = startKnocker(await frontend.address(), 7000);
    await waitFor(() => knocker.last === first.alias, { what: "an answer" });

    knocker.begin();
    await first.stop();
    await waitFor(() => knocker.last === second.alias, { what: "an answer of the other" });

    expect(await first.exited()).toBe(0);
    expect(knocker.failures).toEqual([]);
    expect(knocker.gapMs).toBeLessThan(2_000);
    process.stdout.write(`planned stop with ${image}: a gap of ${Math.round(knocker.gapMs)} ms\n`);
  });
});
