import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

test("names what is wrong as it was given: an option or a variable", () => {
  const environment = { ETCDCTL_ENDPOINTS: "ftp://a", MSDHA_GROUP: "a b" };
  const read =
    (options: object): (() => unknown) =>
    () =>
      readSettings(environment, options);
  expect(read({})).toThrow(/^MSDHA_GROUP: .*\nETCDCTL_ENDPOINTS: /);
  expect(read({ group: "c d", endpoints: "ftp://b" })).toThrow(/^--group: .*\n--endpoints: /);
  expect(read({ group: "db", endpoints: "" })).toThrow(/^--endpoints: expected one or more URLs/);
});
