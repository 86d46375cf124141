import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findParkingPort } from "./parking-port.ts";

let server: Server;
let taken: number;
beforeEach(async () => {
  server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(server, "listening");
  taken = (server.address() as AddressInfo).port;
});
afterEach(() => {
  server.close();
});

describe("findParkingPort", () => {
  it("passes over a port on which somebody listens", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port: free } = other.address() as AddressInfo;
    other.close();
    await once(other, "close");
    expect(await findParkingPort({ candidates: [taken, free] })).toBe(free);
  });

  it("says so when somebody listens on all of them", async () => {
    await expect(findParkingPort({ candidates: [taken] })).rejects.toThrow(
      `expected one of the ports ${taken}`,
    );
  });
});
