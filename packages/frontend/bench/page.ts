/**
 * Measures the page of a frontend in a real browser, and what 32 open pages cost a change of the master; with
 * `--screenshot FILE` also has a failover happen and takes a picture of it:
 * `node --conditions=@msdha/source packages/frontend/bench/page.ts [--switches 60] [--screenshot docs/page.png]`.
 * Ends with 1 if the page is slower than the bars below.
 */
import { loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { getFreePort, startEtcd } from "@msdha/testkit";
import { chromium, type Page } from "playwright-core";
import { openGroup, startFrontend } from "../test/support.ts";
import { takePicture } from "./picture.ts";
import { quantile, report } from "./report.ts";
import { measureSwitches } from "./switches.ts";

const PAINT_MS = 200;
const EVENT_MS = 100;
/** Two medians of the same thing differ by so much. */
const NOTICEABLE_MS = 2;
const STREAMS = 32;
const LOADS = 10;
const EVENTS = 50;

const { values } = parseArgs({
  options: { switches: { type: "string", default: "60" }, screenshot: { type: "string" } },
});

const statusPort = await getFreePort();
const url = `http://127.0.0.1:${statusPort}/`;
await using etcd = await startEtcd();
await using group = openGroup(etcd, "db");
await using frontend = await startFrontend(etcd.endpoint, group.name, {
  env: { MSDHA_STATUS_PORT: String(statusPort), MSDHA_STATUS_BIND: "127.0.0.1" },
});
await frontend.until("etcd to be followed", ({ following }) => following);
const missed: string[] = [];
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  const page = await browser.newPage({ viewport: { width: 1_100, height: 760 }, bypassCSP: true });
  await measurePaint(page);
  if (values.screenshot !== undefined)
    await takePicture(page, { url, group, frontend, file: values.screenshot });
  await measureEvents(page);
  await page.close();
} finally {
  await browser.close();
}
const switches = Number(values.switches);
const alone = await measureSwitches(frontend, group, { switches });
const readers = Array.from({ length: STREAMS }, () => openStream(`${url}events`));
await Promise.all(readers.map(({ opened }) => opened));
process.stdout.write(`with ${STREAMS} open pages: `);
const watched = await measureSwitches(frontend, group, { switches });
for (const { close } of readers) close();
expectAtMost(watched.medianMs - alone.medianMs, NOTICEABLE_MS, `ms that ${STREAMS} pages add to a switch`);
expectAtMost(alone.failed + watched.failed, 0, "connections that failed");
report("processes that wait for a processor, in the last minute", { mean: loadavg()[0] ?? Number.NaN });
for (const line of missed) process.stdout.write(`missed: ${line}\n`);
process.exitCode = missed.length > 0 ? 1 : 0;

/** Reports the time from the request for the page to the first paint. */
async function measurePaint(page: Page): Promise<void> {
  const paints: number[] = [];
  for (let load = 0; load < LOADS; load++) {
    await page.goto(url);
    const entry = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
    paints.push(Number(await page.waitForFunction(entry).then((found) => found.jsonValue())));
  }
  report(`first paint, ms, of ${LOADS}`, { p50: quantile(paints, 0.5), max: Math.max(...paints) });
  expectAtMost(quantile(paints, 0.5), PAINT_MS, "ms until the first paint (median)");
}

/** Reports the time from etcd's answer to a write, to the frame that shows it. */
async function measureEvents(page: Page): Promise<void> {
  await page.goto(url);
  await page.evaluate(`
    window.seen = {};
    new MutationObserver(() => {
      const text = document.body.innerText;
      const state = /step(\\d+)/.exec(text)?.[0];
      if (state && !window.seen[state]) requestAnimationFrame(() => { window.seen[state] ??= Date.now(); });
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  `);
  const took: number[] = [];
  for (let event = 0; event < EVENTS; event++) {
    await group.put("one", `step${event}`);
    const at = Date.now();
    const seen = await page.waitForFunction(`window.seen["step${event}"]`);
    took.push(Number(await seen.jsonValue()) - at);
    await sleep(50 + Math.random() * 100);
  }
  report(`etcd's answer to the event on the screen, ms, of ${EVENTS}`, {
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
    max: Math.max(...took),
  });
  expectAtMost(quantile(took, 0.99), EVENT_MS, "ms until an event is on the screen (99 of 100)");
}

function expectAtMost(value: number, most: number, what: string): void {
  if (!(value <= most)) missed.push(`expected at most ${most} ${what}, got ${value.toFixed(1)}`);
}

/** Reads a stream of events as a page does, and does nothing with it. */
function openStream(from: string): { readonly opened: Promise<void>; readonly close: () => void } {
  const ended = new AbortController();
  const opened = Promise.withResolvers<void>();
  const read = async (): Promise<void> => {
    const response = await fetch(from, { signal: ended.signal });
    for await (const _chunk of response.body ?? []) opened.resolve();
  };
  read().catch((error: unknown) => {
    if (!ended.signal.aborted) opened.reject(error);
  });
  return { opened: opened.promise, close: () => ended.abort() };
}
