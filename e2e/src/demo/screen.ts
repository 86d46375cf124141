import { createLogUpdate } from "log-update";

/** Where a demo shows what goes on: a live table on a terminal, plain lines elsewhere. */
export interface Screen extends AsyncDisposable {
  say(line: string): void;
  /** Shows what `render` returns, again and again; `summarize` is for where there is no terminal: a line when it changes. */
  follow(render: () => string, summarize: () => string): void;
}

const INTERVAL_MS = 200;

export function createScreen(stream: NodeJS.WriteStream): Screen {
  const live = stream.isTTY ? createLogUpdate(stream) : undefined;
  const begun = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let lastSummary = "";
  let draw = (): void => {};

  function write(line: string): void {
    const time = `${((performance.now() - begun) / 1_000).toFixed(1).padStart(6)} s`;
    stream.write(`${time}  ${line}\n`);
  }

  return {
    say(line) {
      live?.clear();
      write(line);
      draw();
    },
    follow(render, summarize) {
      draw = () => live?.(`\n${render()}`);
      timer = setInterval(() => {
        draw();
        const summary = live ? "" : summarize();
        if (summary !== lastSummary) write(`  ${summary}`);
        lastSummary = summary;
      }, INTERVAL_MS);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      live?.clear();
      live?.done();
    },
  };
}
