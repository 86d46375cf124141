import { describe, expect, it } from "vitest";
import { HaproxyAnswerError } from "./errors.ts";
import { parseInfo, parseServersState, parseStat, parseVersion } from "./parse-answers.ts";

const servers = [
  "1",
  "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_fqdn srv_port",
  "3 be 1 m0 127.0.0.2 2 4 1 - 5432",
  "3 be 2 m1 ::1 0 5 1 - 1",
  "3 be 3 m2 10.0.0.1 2 12 1 - 5432",
  "",
  "",
].join("\n");

describe("parseServersState", () => {
  it("reads address, port and state of each server", () => {
    expect(parseServersState(servers)).toEqual([
      { name: "m0", address: "127.0.0.2", port: 5432, state: "ready" },
      { name: "m1", address: "::1", port: 1, state: "maint" },
      { name: "m2", address: "10.0.0.1", port: 5432, state: "drain" },
    ]);
  });

  it("finds the columns by name, wherever they are", () => {
    const moved = "1\n# srv_port new_column srv_name srv_admin_state srv_addr\n80 x m0 1 ::1\n";
    expect(parseServersState(moved)).toEqual([{ name: "m0", address: "::1", port: 80, state: "maint" }]);
  });

  it("refuses an answer without the table", () => {
    expect(() => parseServersState("Can't find backend.\n")).toThrow(HaproxyAnswerError);
  });
});

describe("parseStat", () => {
  it("reads counters by column name and takes empty ones as 0", () => {
    const rows = parseStat(
      "# pxname,svname,scur,stot,bin,bout,econ,wretr,status,\nfe,FRONTEND,3,9,1,2,,,OPEN,\n\n",
    );
    expect(rows).toEqual([
      {
        proxy: "fe",
        server: "FRONTEND",
        status: "OPEN",
        currentSessions: 3,
        totalSessions: 9,
        bytesIn: 1,
        bytesOut: 2,
        connectionErrors: 0,
        retries: 0,
      },
    ]);
  });

  it("refuses an answer without the table", () => {
    expect(() => parseStat("Permission denied\n")).toThrow(HaproxyAnswerError);
  });
});

describe("parseInfo", () => {
  it("reads fields by name", () => {
    const info = parseInfo("Name: HAProxy\nVersion: 3.0.11-1\ndescription: \nPid: 7\n\n");
    expect([...info]).toEqual([
      ["Name", "HAProxy"],
      ["Version", "3.0.11-1"],
      ["description", ""],
      ["Pid", "7"],
    ]);
  });
});

describe("parseVersion", () => {
  it.each([
    ["2.6.12-1+deb12u4", [2, 6]],
    ["HAProxy version 3.5-dev5 2026/08/21 - https://haproxy.org/", [3, 5]],
    ["HAProxy version v3.10.0", [3, 10]],
    ["nothing of the kind", undefined],
    ["", undefined],
  ])("reads %j", (text, version) => {
    expect(parseVersion(text)).toEqual(version);
  });
});
