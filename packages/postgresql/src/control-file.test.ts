import { expect, test } from "vitest";
import { parseControlFile } from "./control-file.ts";

/** What `initdb` of PostgreSQL 15 has left, without the zeros that fill the file. */
const AFTER_INITDB = [
  "NDiAEPywDGsUBQAAJXcNDAEAAAAAAAAA/LAMawAAAAAYB1ABAAAAABgHUAEAAAAAAQAAAAEAAAABAAAAAAAAANQCAAAAAAAABDUA",
  "AAEAAAAAAAAAzAIAAAEAAAABAAAAAQAAAAAAAAD8sAxrAAAAAAAAAAAAAAAAAAAAAAAAAADoAwAAAAAAAAAAAAAAAAAAAAAAAAAA",
  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEAAAAAAAAAZAAAAAgAAAAKAAAAAAAAAEAAAAAAAAAACAAAAAAAAACH1jJBACAAAAAAAgAA",
  "IAAAAAAAAUAAAAAgAAAAzAcAAAAIAAABAAAAAAAAAKuvtTsQOMMHfj3DerbafRvNdIg2WCWLnsMB/iRgOO9sf7f7tgAAAAA=",
];
const FILE_BYTES = 8_192;

function controlFile(): Buffer {
  const file = Buffer.alloc(FILE_BYTES);
  Buffer.from(AFTER_INITDB.join(""), "base64").copy(file);
  return file;
}

test("reads what pg_controldata reads", () => {
  expect(Object.fromEntries(parseControlFile(controlFile()) ?? [])).toEqual({
    "Database cluster state": "shut down",
    "Latest checkpoint location": "0/1500718",
    "Latest checkpoint's TimeLineID": "1",
    "Bytes per WAL segment": "16777216",
  });
});

const VERSION = 8;
const STATE = 16;
const CHECKPOINT = 32;

test.each([
  ["is of another version", VERSION],
  ["is half written", STATE],
  ["has a field of another value than its checksum says", CHECKPOINT],
])("does not know a file that %s", (_, at) => {
  const file = controlFile();
  file.writeUInt8(file.readUInt8(at) ^ 0xff, at);
  expect(parseControlFile(file)).toBeUndefined();
});

test("does not know a file that was cut short", () => {
  expect(parseControlFile(controlFile().subarray(0, 100))).toBeUndefined();
  expect(parseControlFile(Buffer.alloc(FILE_BYTES))).toBeUndefined();
});
