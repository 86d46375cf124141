import { describe, expect, it } from "vitest";
import { readErrorLine, readLogLine } from "./haproxy-log.ts";

describe("readLogLine", () => {
  it.each([
    ["<5>Something worth a note", "info", "Something worth a note"],
    ["<3>Something wrong", "warn", "Something wrong"],
    ["<0>Something awful", "error", "Something awful"],
    [
      "<1>Server be/m0 is going DOWN for maintenance. 0 active and 1 backup servers left.",
      "debug",
      undefined,
    ],
    ["<3>127.0.0.1:36102 [23/Nov/2026:02:55:01.226] fe be/m0 1/0/1153 0 D- 1/1/0/0/0 0/0", "info", undefined],
    ["no level at all", "info", "no level at all"],
  ])("reads %s", (line, level, text) => {
    expect(readLogLine(line)).toEqual({ level, text: text ?? line.slice(3) });
  });

  it("lets no control character through", () => {
    expect(readLogLine("<5>a\u001b[2Jb").text).toBe("a\\x1b[2Jb");
  });
});

describe("readErrorLine", () => {
  it.each([
    [
      "[ALERT]    (71) : Starting frontend fe: cannot bind socket",
      "error",
      "Starting frontend fe: cannot bind socket",
    ],
    ["[WARNING]  (71) : Server be/m0 is UP/READY (leaving forced maintenance).", "debug", undefined],
    ["[WARNING]  (71) : config : something is old", "warn", "config : something is old"],
    ["[NOTICE]   (71) : haproxy version is 2.6.12", "info", "haproxy version is 2.6.12"],
    ["setpriv: failed to execute", "info", "setpriv: failed to execute"],
  ])("reads %s", (line, level, text) => {
    expect(readErrorLine(line)).toEqual({ level, text: text ?? line.replace(/^\[.*?\) : /, "") });
  });
});
