import { createLog, duration, groupName, readSettings, SettingsError } from "@msdha/settings";
import { z } from "zod";

const schema = z.object({ APP_GROUP: groupName(), APP_KEEP: duration({ minMs: 1_000 }).default(60_000) });
try {
  const settings = readSettings({ APP_GROUP: "db", APP_KEEP: "15m" }, { schema, prefix: "APP_" });
  const { log, flush } = createLog({ format: "json", fd: 1 });
  log.info(settings, "read");
  flush();
  readSettings({ APP_KEEP: "soon", APP_GROPU: "db" }, { schema, prefix: "APP_" });
} catch (error) {
  if (error instanceof SettingsError) console.log(error.message);
}
