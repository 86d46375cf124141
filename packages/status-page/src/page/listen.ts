import type { PageJournal, PageState, PageTraffic } from "../protocol.ts";

export interface Listener {
  readonly onState: (state: PageState) => void;
  readonly onJournal: (journal: PageJournal) => void;
  readonly onTraffic: (traffic: PageTraffic) => void;
  /** Called when the frontend can't be reached any more (false), and when it can again. */
  readonly onReach: (reached: boolean) => void;
}

const AGAIN_MS = 2_000;
/** The frontend says something every second. */
const SILENT_MS = 10_000;

/** Reads the frontend's events for as long as the page is open, and connects again whenever it has to. */
export function listen(path: string, listener: Listener): void {
  const source = new EventSource(path);
  let silent = 0;
  const again = (): void => {
    clearTimeout(silent);
    source.close();
    listener.onReach(false);
    setTimeout(() => listen(path, listener), AGAIN_MS);
  };
  const heard = (): void => {
    clearTimeout(silent);
    silent = setTimeout(again, SILENT_MS);
  };
  const on = <Data>(name: string, take: (data: Data) => void): void => {
    source.addEventListener(name, (event: MessageEvent<string>) => {
      heard();
      take(JSON.parse(event.data) as Data);
    });
  };
  on("state", (state: PageState) => {
    listener.onReach(true);
    listener.onState(state);
  });
  on("journal", listener.onJournal);
  on("traffic", listener.onTraffic);
  source.addEventListener("error", again);
  heard();
}
