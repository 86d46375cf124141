import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";
import { getFreePorts } from "@msdha/testkit";
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
    const [free = 0] = await getFreePorts(1);
    expect(await findParkingPort([], { candidates: [taken, free] })).toBe(free);
  });

  it("passes over the frontend's own ports, which refuse for as long as HAProxy does not run", async () => {
    const [own = 0, free = 0] = await getFreePorts(2);
    expect(await findParkingPort([own], { candidates: [own, free] })).toBe(free);
  });

  it("says so when somebody listens on all of them", async () => {
    await expect(findParkingPort([], { candidates: [taken] })).rejects.toThrow(
      `expected one of the ports ${taken}`,
    );
  });
});
