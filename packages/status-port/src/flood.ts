import type { Server } from "node:net";
import type { TcpPlace } from "./place.ts";

const WINDOW_MS = 1_000;

/**
 * Stops listening for a second whenever more than `mostPerSecond` connections came within one: the kernel refuses them then,
 * which costs this process nothing. Connections that are there stay. Disposing ends that; the server is left as it is.
 */
export function closeWhenFlooded(server: Server, place: TcpPlace, mostPerSecond: number): Disposable {
  let came = 0;
  let since = performance.now();
  let again: NodeJS.Timeout | undefined;
  let ended = false;

  function listenAgain(): void {
    again = undefined;
    if (!ended && !server.listening) server.listen(place).unref();
  }

  function pause(): void {
    if (again || ended) return;
    server.close();
    again = setTimeout(listenAgain, WINDOW_MS).unref();
  }

  function count(): void {
    const now = performance.now();
    if (now - since >= WINDOW_MS) {
      since = now;
      came = 0;
    }
    came += 1;
    if (came > mostPerSecond) pause();
  }

  server.on("connection", count);
  server.on("drop", count);
  // Something else took the port meanwhile.
  server.on("error", () => {
    if (!server.listening) pause();
  });
  return {
    [Symbol.dispose]() {
      ended = true;
      clearTimeout(again);
    },
  };
}
