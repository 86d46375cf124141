import type { LocalView } from "@msdha/group";
import { json, type Reply, type Routes } from "@msdha/status-port";
import type { FrontendMetrics, Scrape } from "./metrics.ts";
import { pageAnswer } from "./page.ts";
import type { PageFeed } from "./page-feed.ts";
import type { FrontendStatus } from "./status.ts";

/** What the status port is answered from. Reading rejects while the frontend starts. */
export interface StatusRoutesOptions {
  readonly readStatus: () => Promise<FrontendStatus>;
  readonly readKnown: () => LocalView;
  readonly scrape: () => Promise<Scrape>;
  readonly metrics: FrontendMetrics;
  readonly feed: Pick<PageFeed, "open">;
}

/**
 * `/status` (JSON), `/health` and `/ready` (200 or 503, with the same JSON), `/group` (JSON: all that is
 * known of the group, for `msdha`), `/metrics` (Prometheus), and the page with its events.
 */
export function statusRoutes({ readStatus, readKnown, scrape, metrics, feed }: StatusRoutesOptions): Routes {
  const judged = async (isGood: (status: FrontendStatus) => boolean): Promise<Reply> => {
    const status = await readStatus();
    return json(isGood(status) ? 200 : 503, status);
  };
  return {
    answers: {
      "/": pageAnswer(),
      "/status": () => judged(() => true),
      "/health": () => judged(({ healthy }) => healthy),
      "/ready": () => judged(({ ready }) => ready),
      "/group": async () => json(200, readKnown()),
      "/metrics": async () => {
        const { type, text } = await metrics.render(await scrape());
        return { code: 200, type, body: text };
      },
    },
    feeds: { "/events": (stream) => feed.open(stream) },
  };
}
