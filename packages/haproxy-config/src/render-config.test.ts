import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ConfigOptions, maxConnectionsFor, renderConfig } from "./render-config.ts";

const good: ConfigOptions = {
  port: 5432,
  socketPath: "/run/msdha/haproxy.sock",
  parkMs: 40_000,
  maxConnections: 1000,
};

describe("renderConfig", () => {
  it("lays out two disabled slots and a parking server that nothing listens on", () => {
    const servers = renderConfig(good).match(/^ {4}server .*$/gm);
    expect(servers).toEqual([
      "    server m0 127.0.0.1:1 disabled on-marked-down shutdown-sessions",
      "    server m1 127.0.0.1:1 disabled on-marked-down shutdown-sessions",
      "    server parking 127.0.0.1:1 backup",
    ]);
  });

  it("turns the parking time into retries of one tick each, rounded up", () => {
    expect(renderConfig(good)).toMatch(/^ {4}retries 400$/m);
    expect(renderConfig({ ...good, parkMs: 1001, tickMs: 250 })).toMatch(/^ {4}retries 5$/m);
    expect(renderConfig({ ...good, tickMs: 3000 })).toMatch(/^ {4}retries 40$/m);
  });

  it("has no parking server when nothing may wait", () => {
    const config = renderConfig({ ...good, parkMs: 0 });
    expect(config).not.toContain("parking");
    expect(config).toMatch(/^ {4}retries 3$/m);
  });

  it("listens on every address, in the spelling that each family needs", () => {
    const config = renderConfig({ ...good, addresses: ["127.0.0.2", "::1", "::"] });
    expect(config.match(/^ {4}bind \S+ ?(?:v4v6|v6only)?/gm)?.map((line) => line.trim())).toEqual([
      "bind 127.0.0.2:5432",
      "bind [::1]:5432 v6only",
      "bind [::]:5432 v4v6",
    ]);
  });

  it("listens on the sockets that it inherits, where there are any", () => {
    const config = renderConfig({ ...good, descriptors: [3, 4] });
    expect(config.match(/^ {4}bind .*$/gm)).toEqual(["    bind fd@3", "    bind fd@4"]);
  });

  it("gives each further port its own slots, in names of its own", () => {
    const config = renderConfig({ ...good, morePorts: [{ port: 636 }, { port: 1, descriptors: [7] }] });
    expect(config.match(/^(?:frontend|backend) .*$/gm)).toEqual([
      "frontend fe",
      "backend be",
      "frontend fe2",
      "backend be2",
      "frontend fe3",
      "backend be3",
    ]);
    expect(config.match(/^ {4}bind \S+/gm)?.map((line) => line.trim())).toEqual([
      "bind 0.0.0.0:5432",
      "bind 0.0.0.0:636",
      "bind fd@7",
    ]);
    expect(config.match(/^ {4}default_backend .*$/gm)?.map((line) => line.trim())).toEqual([
      "default_backend be",
      "default_backend be2",
      "default_backend be3",
    ]);
    expect(config.match(/^ {4}server m0 /gm)).toHaveLength(3);
  });

  it("forwards bytes, or requests over connections of their own", () => {
    expect(renderConfig(good)).toMatch(/^ {4}mode tcp$/m);
    expect(renderConfig(good)).not.toMatch(/http|tunnel/);
    const config = renderConfig({ ...good, mode: "http", idleTimeoutMs: 5_000 });
    for (const line of ["mode http", "option httplog", "http-reuse never", "timeout tunnel 5000ms"]) {
      expect(config).toContain(`\n    ${line}\n`);
    }
    expect(() => renderConfig({ ...good, mode: "udp" as "tcp" })).toThrow(
      new TypeError('mode: expected tcp or http, got "udp"'),
    );
  });

  it("speaks the PROXY protocol only where it is asked to", () => {
    expect(renderConfig(good)).not.toMatch(/(?:accept|send)-proxy/);
    const config = renderConfig({ ...good, acceptProxy: true, sendProxy: "v2" });
    expect(config.match(/accept-proxy/g)).toHaveLength(1);
    expect(config).toMatch(/^ {4}server m0 .* send-proxy-v2$/m);
    expect(config).toMatch(/^ {4}server m1 .* send-proxy-v2$/m);
    expect(renderConfig({ ...good, sendProxy: "v1" })).toMatch(/^ {4}server m0 .* send-proxy$/m);
    expect(() => renderConfig({ ...good, sendProxy: "v3" as "v2" })).toThrow(
      new TypeError('sendProxy: expected v1 or v2, got "v3"'),
    );
  });

  it("gives up unacknowledged data and half-closed sessions early only where it is told to", () => {
    expect(renderConfig(good)).not.toContain("tcp-ut");
    expect(renderConfig(good)).toMatch(/timeout client-fin 86400000ms\n {4}timeout server-fin 86400000ms/);
    const strict = renderConfig({ ...good, unacknowledgedMs: 30_000, halfClosedTimeoutMs: 5_000 });
    expect(strict.match(/tcp-ut 30000ms/g)).toHaveLength(3);
    expect(strict).toMatch(/timeout client-fin 5000ms\n {4}timeout server-fin 5000ms/);
  });

  it.each<[string, Partial<ConfigOptions>]>([
    ["descriptors: expected a whole number from 3 to 1000, got 0", { descriptors: [0] }],
    ["port: expected a whole number from 1 to 65535, got 0", { port: 0 }],
    ["port: expected a whole number from 1 to 65535, got 80.5", { port: 80.5 }],
    ['addresses: expected an IP address, got "localhost"', { addresses: ["localhost"] }],
    ['addresses: expected an IP address, got "fe80::1%eth0"', { addresses: ["fe80::1%eth0"] }],
    ["addresses: expected at least one IP address, got none", { addresses: [] }],
    ["parkMs: expected a whole number from 0 to 2147483647, got -1", { parkMs: -1 }],
    ["parkMs: expected a whole number from 0 to 2147483647, got null", { parkMs: Number.NaN }],
    ["tickMs: expected a whole number from 1 to 2147483647, got 0", { tickMs: 0 }],
    ["threads: expected a whole number from 1 to 64, got 65", { threads: 65 }],
    [
      'socketPath: expected an absolute path of letters, digits and . _ / - (90 at most), got "a b"',
      { socketPath: "a b" },
    ],
  ])("refuses a bad value: %s", (message, bad) => {
    expect(() => renderConfig({ ...good, ...bad })).toThrow(new TypeError(message));
  });

  it.each<[string, Partial<ConfigOptions>]>([
    [
      "port and morePorts[0].port: expected two different ports, got 5432 for both",
      { morePorts: [{ port: 5432 }] },
    ],
    [
      "morePorts[0].port and morePorts[1].port: expected two different ports, got 7 for both",
      { morePorts: [{ port: 7 }, { port: 7 }] },
    ],
    ["port and pool.port: expected two different ports, got 5432 for both", { pool: { port: 5432 } }],
    [
      "morePorts[0].port and pool.port: expected two different ports, got 7 for both",
      { morePorts: [{ port: 7 }], pool: { port: 7 } },
    ],
    ["port and parkingPort: expected two different ports, got 5432 for both", { parkingPort: 5432 }],
    ["pool.port and parkingPort: expected two different ports, got 1 for both", { pool: { port: 1 } }],
    [
      "descriptors[0] and descriptors[1]: expected two different descriptors, got 3 for both",
      { descriptors: [3, 3] },
    ],
    [
      "descriptors[1] and pool.descriptors[0]: expected two different descriptors, got 4 for both",
      { descriptors: [3, 4], pool: { port: 5433, descriptors: [4] } },
    ],
    [
      "addresses[0] and addresses[1]: expected two different addresses, got ::1 for both",
      { addresses: ["::1", "0::1"] },
    ],
  ])("refuses a port that is used twice: %s", (message, twice) => {
    expect(() => renderConfig({ ...good, ...twice })).toThrow(new TypeError(message));
  });

  it("compares no port that HAProxy does not bind, as it inherits the socket", () => {
    const morePorts = [
      { port: 5432, descriptors: [4] },
      { port: 1, descriptors: [5] },
    ];
    const config = renderConfig({ ...good, descriptors: [3], morePorts, addresses: ["::1", "::1"] });
    expect(config.match(/^ {4}bind \S+/gm)).toHaveLength(3);
  });

  it("lets no value add a line or a word", () => {
    const anything = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(
        "/a\nuser root",
        "/a b",
        "/a#",
        '/"$HOME"',
        "0.0.0.0:1 ssl",
        "::1\n",
        "/run/x\u2028",
        "/x\\",
      ),
      fc.integer(),
      fc.double(),
      fc.constant(undefined),
      fc.constant(null),
      fc.boolean(),
      fc.array(fc.string()),
    );
    const shape = shapeOf(renderConfig({ ...good, addresses: ["1.2.3.4"] }));
    const keys = [
      "port",
      "socketPath",
      "maxConnections",
      "tickMs",
      "threads",
      "idleTimeoutMs",
      "parkingPort",
    ] as const;
    fc.assert(
      fc.property(fc.constantFrom(...keys, "addresses" as const), anything, (key, value) => {
        const changed = { ...good, addresses: ["1.2.3.4"], [key]: key === "addresses" ? [value] : value };
        let text: string;
        try {
          text = renderConfig(changed as ConfigOptions);
        } catch (error) {
          return error instanceof TypeError;
        }
        return shapeOf(text) === shape;
      }),
      { numRuns: 10_000 },
    );
  });
});

describe("maxConnectionsFor", () => {
  it("leaves HAProxy some descriptors of its own", () => {
    expect(maxConnectionsFor(20_000, { threads: 2 })).toBe(9974);
    expect(maxConnectionsFor(1_073_741_816, { most: 50_000 })).toBe(50_000);
  });

  it("refuses a limit that leaves room for no connection", () => {
    expect(() => maxConnectionsFor(40)).toThrow("openFiles: expected at least 48 descriptors, got 40");
  });
});

/** The text with every value that may differ replaced by what it is. */
function shapeOf(config: string): string {
  return config
    .replace(/bind (?:[\d.]+|\[[\da-fA-F:.]+\]):\d+(?: v4v6| v6only)?/g, "bind N")
    .replace(/\/[\w./-]+/g, "PATH")
    .replace(/(?<=[ :])[\d.]+(?=ms|s| |:|\n)/g, "N");
}
