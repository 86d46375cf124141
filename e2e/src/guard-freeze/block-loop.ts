// Loaded into a supervisor as blocked-loop.ts says: on SIGURG its event loop stands still while the file is there.
import { existsSync } from "node:fs";

const file = `${process.env["MSDHA_RUN_DIR"]}/blocked-by-test`;
const never = new Int32Array(new SharedArrayBuffer(4));

process.on("SIGURG", () => {
  process.stderr.write("the event loop is blocked\n");
  while (existsSync(file)) Atomics.wait(never, 0, 0, 20);
  process.stderr.write("the event loop goes on\n");
});
