import { expect, it } from "vitest";
import { parseProgress, parseSessions } from "./parse-sessions.ts";

const LIST = `0x5581cd032840: proto=tcpv4 src=127.0.0.1:38368 fe=fe be=be srv=m0 ts=00 epoch=0 age=0s calls=2 rate=1 cpu=0
0x5581cd032841: proto=tcpv4 src=127.0.0.1:38369 fe=fe be=be srv=m1 ts=00 epoch=0 age=2m10s calls=2 rate=1 cpu=0
0x5581cd032842: proto=tcpv4 src=127.0.0.1:38369 fe=fe be=be srv=m1 ts=00 epoch=0 age=1d3h calls=2 rate=1 cpu=0
0x5581cd14cba0: proto=unix_stream src=unix:1 fe=GLOBAL be=<NONE> srv=<none> ts=00 epoch=0 age=0s calls=1 rate=1
`;

const ONE = `0x5581cd032840: [28/Nov/2026:20:50:20.064041] id=0 proto=tcpv4 source=127.0.0.1:38368
  frontend=fe (id=2 mode=tcp), listener=? (id=1) addr=127.0.0.1:17001
  server=m0 (id=1) addr=127.0.0.1:17002
  req=0x5581cd032860 (f=0x848000 an=0x0 pipe=0 tofwd=-1 total=5)
  res=0x5581cd0328c0 (f=0x80048202 an=0x0 pipe=0 tofwd=-1 total=10)
`;

it("reads the sessions that have a server, with their age", () => {
  expect(parseSessions(LIST)).toEqual([
    { id: "0x5581cd032840", server: "m0", ageSeconds: 0 },
    { id: "0x5581cd032841", server: "m1", ageSeconds: 130 },
    { id: "0x5581cd032842", server: "m1", ageSeconds: Number.POSITIVE_INFINITY },
  ]);
});

it("reads how far each of several sessions is, and leaves out one that has ended", () => {
  const other = ONE.replace("0x5581cd032840", "0x5581cd032999").replace("total=5", "total=7");
  expect(parseProgress(`${ONE}\nSession not found.\n\n${other}\n`)).toEqual(
    new Map([
      ["0x5581cd032840", { server: "m0", sent: 5, answered: 10 }],
      ["0x5581cd032999", { server: "m0", sent: 7, answered: 10 }],
    ]),
  );
});

it.each([
  "Session not found.\n",
  "",
  ONE.replace("server=m0", "server=<NONE>"),
  ONE.replaceAll("total", "sum"),
])("knows no session by %j", (answer) => {
  expect(parseProgress(answer).size).toBe(0);
});
