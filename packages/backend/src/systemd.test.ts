import { expect, test } from "vitest";
import { askSystemd } from "./systemd.ts";

const started = { INVOCATION_ID: "5f0c" };

function asked(cgroup: string, answer: string) {
  const calls: (readonly string[])[] = [];
  const ask = askSystemd({
    environment: started,
    cgroup: () => cgroup,
    async show(args) {
      calls.push(args);
      return answer;
    },
  });
  return { calls, ask };
}

test.each([
  ["1min 30s", 90_000],
  ["45s", 45_000],
  ["500ms", 500],
  ["infinity", Number.POSITIVE_INFINITY],
])("reads a unit's KillMode and a TimeoutStopSec of %s", async (span, stopMs) => {
  const { calls, ask } = asked(
    "0::/system.slice/msdha-db.service\n",
    `KillMode=control-group\nTimeoutStopUSec=${span}\n`,
  );
  expect(await ask).toEqual({ unit: "msdha-db.service", killMode: "control-group", stopMs });
  expect(calls[0]).toEqual(["show", "--property=KillMode,TimeoutStopUSec", "msdha-db.service"]);
});

test("asks the user's own manager for a unit of a user", async () => {
  const { calls, ask } = asked(
    "0::/user.slice/user-1000.slice/user@1000.service/app.slice/db.service\n",
    "KillMode=mixed\nTimeoutStopUSec=30s\n",
  );
  expect((await ask)?.unit).toBe("db.service");
  expect(calls[0]?.[0]).toBe("--user");
});

test("knows nothing where systemd did not start this process, or gives no answer", async () => {
  const show = async (): Promise<string> => {
    throw new Error("no bus");
  };
  expect(await askSystemd({ environment: {}, show })).toBeUndefined();
  const cgroup = (): string => "0::/system.slice/db.service\n";
  expect(await askSystemd({ environment: started, cgroup, show })).toBeUndefined();
  expect(await askSystemd({ environment: started, cgroup, show: async () => "KillMode=\n" })).toBeUndefined();
});
