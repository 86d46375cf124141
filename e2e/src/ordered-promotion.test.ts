import { expect, test } from "vitest";
import { startGroup } from "./support/group.ts";
import { msdhaOf } from "./support/msdha.ts";

/** `a` has all data; `b` lacks some, and says yes only under an order; `c` never does. */
const candidate = `case $MSDHA_NAME in
  a) echo 9 ;;
  b) [ "$MSDHA_ACCEPT_LOSS" = 1 ] && echo 1 ;;
  c) exit 1 ;;
esac`;

test("a node that lacks data becomes the master by an operator's order, and by nothing else", async () => {
  await using group = await startGroup({ ttlSeconds: 2 });
  const msdha = msdhaOf(group);
  const hooks = { candidate };
  const a = group.start("a", { hooks });
  await group.masterAmong([a]);
  const [b, c] = ["b", "c"].map((name) => group.start(name, { hooks }));
  for (const name of ["b", "c"]) await group.state(name, "ready");

  expect(await msdha("promote", "b", "--accept-loss", "--yes")).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^msdha: a is the master: msdha switchover moves it, and loses nothing\n$/),
  });
  await a.child.kill();
  await b?.logged(/no candidate now/);
  await c?.logged(/no candidate now/);

  expect(await msdha("promote", "b")).toMatchObject({
    code: 2,
    err: expect.stringMatching(/expected --accept-loss/),
  });
  const unconfirmed = await msdha("promote", "b", "--accept-loss");
  expect(unconfirmed).toMatchObject({ code: 1, err: expect.stringMatching(/expected --yes/) });
  expect(unconfirmed.out).toMatch(/may lose, for good:\n {2}data that only a holds \(it was the last master/);
  const vain = await msdha("promote", "c", "--accept-loss", "--yes", "--timeout", "4s");
  expect(vain).toMatchObject({
    code: 1,
    err: expect.stringMatching(/c did not become master despite the order: its log says why.*withdrawn/),
  });
  const before = await group.keys();
  expect(Object.keys(before).filter((key) => key.startsWith("_ask/"))).toEqual([]);
  expect([before["b"], before["c"]]).toEqual(["ready", "ready"]);

  const promoted = await msdha("promote", "b", "--accept-loss", "--yes", "--why", "the disk of a is gone");
  expect(promoted.err).toBe("");
  expect(promoted.code).toBe(0);
  expect(promoted.out).toMatch(
    /b is ordered[\s\S]*b has the lock, and accepts[\s\S]*b is the master \(token \d+\)/,
  );
  expect(await group.master()).toBe("b");
  const after = await group.keys();
  expect(Object.keys(after).filter((key) => key.startsWith("_ask/"))).toEqual([]);
  const { history } = JSON.parse((await msdha("history", "--json")).out) as {
    history: readonly { node: string; mayHaveLost: string | null }[];
  };
  expect(history[0]).toMatchObject({
    node: "b",
    mayHaveLost: expect.stringMatching(/^accepted by .*: the disk of a is gone; of a: /),
  });
});
