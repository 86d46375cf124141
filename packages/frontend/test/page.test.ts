import { type EtcdMember, getFreePort, startEtcd, waitFor } from "@msdha/testkit";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  openGroup,
  openSession,
  serving,
  startFrontend,
  startNamedServer,
  type TestFrontend,
  type TestGroup,
} from "./support.ts";

let etcd: EtcdMember;
let browser: Browser;
beforeAll(async () => {
  etcd = await startEtcd();
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser.close();
  await etcd[Symbol.asyncDispose]();
});

interface Opened extends AsyncDisposable {
  readonly page: Page;
  readonly group: TestGroup;
  readonly frontend: TestFrontend;
  readonly url: string;
  /** What the page did that it should not: errors, dialogs, requests to elsewhere or that are no GET. */
  readonly offences: readonly string[];
  text(selector: string): Promise<string>;
  shows(text: string): Promise<void>;
}

async function open(name: string, options: Parameters<Browser["newContext"]>[0] = {}): Promise<Opened> {
  await using stack = new AsyncDisposableStack();
  const port = await getFreePort();
  const group = stack.use(openGroup(etcd, name));
  const frontend = stack.use(
    await startFrontend(etcd.endpoint, name, {
      env: { MSDHA_STATUS_PORT: String(port), MSDHA_STATUS_BIND: "127.0.0.1" },
    }),
  );
  await frontend.until("etcd to be followed", ({ following }) => following);
  const context = await browser.newContext(options);
  stack.defer(() => context.close());
  const page = await context.newPage();
  const url = `http://127.0.0.1:${port}/`;
  const offences: string[] = [];
  page.on("pageerror", (error) => offences.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !message.location().url.endsWith("favicon.ico"))
      offences.push(message.text());
  });
  page.on("dialog", (dialog) => {
    offences.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url) || request.method() !== "GET") offences.push(request.url());
  });
  await page.goto(url);
  const kept = stack.move();
  return {
    page,
    group,
    frontend,
    url,
    offences,
    text: async (selector) => (await page.textContent(selector)) ?? "",
    shows: async (text) => {
      await waitFor(async () => String(await page.evaluate("document.body.innerText")).includes(text), {
        what: `the page to show ${text}`,
      });
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

describe("the page", () => {
  it("shows a change of the master as it happens: lanes, waits, and what was cut", async () => {
    await using opened = await open("page-change");
    const { page, group, frontend, shows, offences } = opened;
    await shows("✕ No master: connections wait");
    using early = openSession(frontend.port);
    await shows("1 wait");
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    const first = await group.becomeMaster("a", { address: "127.0.0.2" });
    await shows("● a is master");
    await early.name;
    await shows("1 connections had to wait");
    await first.vanish();
    await shows("✕ No master: connections wait");
    await shows("✂ clients: sessions cut");
    await shows("✕ a: gone");
    await using _b = await startNamedServer("b", { address: "127.0.0.3", port: frontend.port });
    await group.becomeMaster("b", { address: "127.0.0.3" });
    await shows("● b is master");
    const tracks = await page
      .locator(".track")
      .evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
    expect(tracks.filter((label) => label?.startsWith("a:"))[0]).toMatch(/master from .*gone from /);
    expect(tracks.filter((label) => label?.startsWith("clients:"))[0]).toMatch(
      /all wait from .*served from /,
    );
    expect(await page.locator(".mark").count()).toBe(1);
    expect(offences).toEqual([]);
  });

  it("shows what happened before it was opened, and what the group remembers", async () => {
    await using opened = await open("page-later");
    const { page, group, frontend, shows } = opened;
    await using _a = await startNamedServer("a", { address: "127.0.0.2", port: frontend.port });
    await group.becomeMaster("a", { address: "127.0.0.2" });
    await serving(frontend, "a");
    const end = { why: "asked to stop: kernel update", at: Date.now(), by: "itself" };
    const term = {
      node: "old",
      run: "1",
      beganAt: Date.now() - 60_000,
      takenAfter: "wait",
      gapMs: 28_400,
      end,
    };
    await group.put(`_history/${"7".padStart(16, "0")}`, JSON.stringify(term));
    await page.reload();
    await shows("asked to stop: kernel update");
    await shows("28 s, after the wait");
    await shows("● a: master");
  });

  it("shows a pause and a hold large, with their reasons", async () => {
    await using opened = await open("page-pause");
    const { group, page, shows } = opened;
    await group.put("one", "ready");
    const until = Date.now() + 600_000;
    await group.put("_ask/pause", JSON.stringify({ by: "eve", why: "kernel update", at: Date.now(), until }));
    await group.put("_ask/hold/one", JSON.stringify({ by: "eve", why: "disk swap", at: Date.now() }));
    await shows("‖ Paused: no node becomes master");
    await shows("“kernel update” · by eve · 9 m 5");
    await shows("✋ one is held: it does not become master");
    await shows("0 ready to take over");
    await shows("○ ready");
    const size = await page.evaluate(
      "parseFloat(getComputedStyle(document.querySelector('.banner')).fontSize)",
    );
    expect(size).toBeGreaterThan(20);
  });

  it("takes whatever stands in etcd as text", async () => {
    await using opened = await open("page-hostile");
    const { page, group, shows, offences } = opened;
    const states = [
      "<img/src=x/onerror=alert(1)>",
      "<svg/onload=alert(1)>",
      "__proto__",
      "constructor",
      '"><b>bold',
    ];
    const names = [
      "<b>bold<b>",
      "javascript:alert(1)",
      "__x",
      "constructor",
      "toString",
      "x".repeat(253),
      "a&lt;b",
    ];
    for (const [index, name] of names.entries())
      if (!name.startsWith("_")) await group.put(name, states[index % states.length] ?? "");
    const text = "<script>alert(1)</script><img src=x onerror=alert(1)>".repeat(20);
    await group.put("_ask/pause", JSON.stringify({ by: text, why: text, at: 1, until: "never" }));
    await group.put("_ask/hold/constructor", JSON.stringify({ by: text, why: text, at: 1, until: -1e308 }));
    const term = {
      node: text,
      run: text,
      beganAt: Number.MAX_SAFE_INTEGER,
      takenAfter: "wait",
      losses: text,
    };
    await group.put(
      `_history/${"7".padStart(16, "0")}`,
      JSON.stringify({ ...term, end: { why: text, by: "itself" } }),
    );
    await Promise.all(Array.from({ length: 200 }, (_, index) => group.put(`n${index}`, `<i>${index}`)));
    await shows("javascript:alert(1)");
    await shows("<img/src=x/onerror=alert(1)>");
    await shows("<script>alert(1)</script>");
    await shows("(142 not shown)");
    const found = await page.evaluate("[...document.querySelectorAll('body *')].map((one) => one.tagName)");
    const tags = [...new Set(found as string[])];
    const own =
      "HEADER H1 H2 P DIV MAIN SECTION FIELDSET BUTTON SPAN SMALL TABLE THEAD TBODY TR TH TD OL LI TIME NOSCRIPT SCRIPT";
    expect(tags.filter((tag) => !own.split(" ").includes(tag))).toEqual([]);
    expect(await page.locator("script").count()).toBe(1);
    expect(offences).toEqual([]);
  });

  it("says when the frontend does not answer, and goes on when it does", async () => {
    await using opened = await open("page-lost");
    const { frontend, shows, group, url } = opened;
    await group.put("one", "ready");
    await shows("● ready");
    await frontend.child.kill();
    await shows("⚠ This frontend does not answer");
    await using _again = await startFrontend(etcd.endpoint, "page-lost", {
      env: { MSDHA_STATUS_PORT: new URL(url).port, MSDHA_STATUS_BIND: "127.0.0.1" },
    });
    await waitFor(async () => !(await opened.text("#banners")).includes("does not answer"), {
      what: "the frontend",
      timeoutMs: 30_000,
    });
  });

  it("fits a phone, follows its dark or light, and can be used by keyboard", async () => {
    await using opened = await open("page-phone", {
      viewport: { width: 360, height: 640 },
      colorScheme: "dark",
    });
    const { page, group, shows, text } = opened;
    await group.put("x".repeat(200), "ready");
    await shows("● ready");
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    const back = (): Promise<unknown> => page.evaluate("getComputedStyle(document.body).backgroundColor");
    const dark = await back();
    await page.emulateMedia({ colorScheme: "light" });
    expect(await back()).not.toBe(dark);
    for (let presses = 0; presses < 20; presses++) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate("document.activeElement?.textContent")) === "1 m") break;
    }
    await page.keyboard.press("Enter");
    await waitFor(async () => (await text('[aria-pressed="true"][data-length]')) === "1 m", {
      what: "the key",
    });
  });

  it("is small, and allows nothing but itself", async () => {
    await using opened = await open("page-size");
    const response = await fetch(opened.url);
    expect(Buffer.byteLength(await response.text())).toBeLessThan(40_000);
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("unsafe");
    expect((await fetch(opened.url, { method: "POST" })).status).toBe(405);
  });
});
