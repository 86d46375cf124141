import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tempDir } from "@msdha/testkit";
import { describe, expect, it } from "vitest";
import { findHaproxyUser, type UserSources } from "./haproxy-user.ts";

const ALL = "000001ffffffffff";

describe("findHaproxyUser", () => {
  it("leaves a frontend that is not root as it is", () => {
    expect(findHaproxyUser("/", { uid: 10_001 })).toBeUndefined();
  });

  it("takes the system's user haproxy, else one that owns nothing", () => {
    expect(find({ passwd: "root:x:0:0::/:/bin/sh\nhaproxy:x:101:102::/:/bin/false\n" })).toEqual({
      uid: 101,
      gid: 102,
    });
    expect(find({ passwd: "root:x:0:0::/:/bin/sh\n" })).toEqual({ uid: 65_534, gid: 65_534 });
    expect(find({ passwd: "haproxy:x:0:0::/:/bin/sh\n" })).toEqual({ uid: 65_534, gid: 65_534 });
  });

  it("says which capabilities are missing", () => {
    expect(() => find({ capabilities: "00000000000000c0" })).toThrow(
      "no CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_KILL",
    );
  });

  it("says which folder other users can't enter", () => {
    expect(() => find({ mode: 0o700 })).toThrow(/other users can't enter .*run/);
  });
});

function find({
  passwd = "",
  capabilities = ALL,
  mode = 0o711,
}: {
  readonly passwd?: string;
  readonly capabilities?: string;
  readonly mode?: number;
}): ReturnType<typeof findHaproxyUser> {
  const folder = tempDir();
  chmodSync(folder.path, 0o755);
  const sources: UserSources = {
    uid: 0,
    statusFile: join(folder.path, "status"),
    passwdFile: join(folder.path, "passwd"),
  };
  writeFileSync(join(folder.path, "status"), `Name:\tnode\nCapEff:\t${capabilities}\nSeccomp:\t0\n`);
  writeFileSync(join(folder.path, "passwd"), passwd);
  const runDir = join(folder.path, "run");
  mkdirSync(runDir);
  chmodSync(runDir, mode);
  try {
    return findHaproxyUser(runDir, sources);
  } finally {
    void folder[Symbol.asyncDispose]();
  }
}
