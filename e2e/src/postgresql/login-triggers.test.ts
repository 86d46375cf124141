import { expect, test } from "vitest";
import { createHookGroup } from "./hook-node.ts";
import { findVersion } from "./server-version.ts";
import { expectSuccess, joinGroup, signalHelper, startFirst } from "./stages.ts";

const version = await findVersion();

test.skipIf(version < 17)(
  "a login trigger that turns everybody away does not keep a standby from its promotion",
  async () => {
    await using group = await createHookGroup();
    const a = await startFirst(group, "a");
    const b = await joinGroup(group, "b");
    await a.sql(
      "CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$",
    );
    await a.sql(
      "CREATE EVENT TRIGGER refuse ON login EXECUTE FUNCTION refuse(); ALTER EVENT TRIGGER refuse ENABLE ALWAYS",
    );
    await expect(a.sql("SELECT 1")).rejects.toThrow("not now");
    await a.stop("SIGINT");
    group.setMaster(undefined);
    signalHelper(b, "SIGKILL");
    expectSuccess(await b.hook("candidate"));
    group.setMaster("b");
    expectSuccess(await b.hook("master"));
  },
);
