import { setTimeout as sleep } from "node:timers/promises";
import { startLoad, startNamedServer } from "@msdha/testkit";
import type { Page } from "playwright-core";
import type { TestFrontend, TestGroup } from "../test/support.ts";

export interface PictureOptions {
  readonly url: string;
  readonly group: TestGroup;
  readonly frontend: TestFrontend;
  readonly file: string;
}

/** Has a group of three lose its master under load, and takes a picture of the page afterwards. */
export async function takePicture(page: Page, { url, group, frontend, file }: PictureOptions): Promise<void> {
  const { port } = frontend;
  await using stack = new AsyncDisposableStack();
  for (const [name, address] of Object.entries({ one: "127.0.0.2", two: "127.0.0.3" }))
    stack.use(await startNamedServer(name, { address, port }));
  await group.put("three", "ready");
  await group.put("two", "ready");
  const began = Date.now();
  const one = await group.becomeMaster("one", { address: "127.0.0.2" });
  const load = startLoad(port, { perSecond: 4 });
  await sleep(14_000);
  await one.vanish();
  const lost = Date.now();
  await sleep(9_000);
  const two = await group.becomeMaster("two", { address: "127.0.0.3" });
  const promoted = Date.now();
  const history = [
    {
      node: "one",
      beganAt: began,
      takenAfter: "wait",
      end: { why: "lease ended", at: lost, by: "next_run" },
    },
    { node: "two", beganAt: promoted, takenAfter: "wait", from: "one", gapMs: promoted - lost },
  ];
  for (const [index, term] of history.entries())
    await group.put(`_history/${String(index + 1).padStart(16, "0")}`, JSON.stringify({ run: "1", ...term }));
  await group.put("one", "pre_start");
  await sleep(2_000);
  await group.put("one", "running_not_ready");
  await sleep(4_000);
  await group.put("one", "ready");
  await sleep(12_000);
  await page.goto(url);
  await page.getByRole("button", { name: "show 1 m" }).click();
  await sleep(1_500);
  await page.screenshot({ path: file });
  await load.stop();
  await two.vanish();
}
