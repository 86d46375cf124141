import { duration, port, readSettings, SettingsError } from "@msdha/settings";
import { z } from "zod";

const schema = z.object({ APP_PORT: port(), APP_KEEP: duration({ minMs: 1_000 }).default(60_000) });
try {
  console.log(readSettings({ APP_PORT: "80", APP_KEEP: "15m" }, { schema, prefix: "APP_" }));
  readSettings({ APP_KEEP: "soon", APP_PROT: "80" }, { schema, prefix: "APP_" });
} catch (error) {
  if (error instanceof SettingsError) console.log(error.message);
}
