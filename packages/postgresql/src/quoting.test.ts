import { expect, test } from "vitest";
import { quoteConninfo, quotePgpass, quoteSetting, quoteShell, quoteSql } from "./quoting.ts";

test("quotes text for each reader by its own rules", () => {
  const text = "it's a:\\n";
  expect(quoteSql(text)).toBe("it''s a:\\n");
  expect(quoteSetting(`${text}\n`)).toBe("it''s a:\\\\n\\n");
  expect(quoteConninfo(text)).toBe("it\\'s a:\\\\n");
  expect(quotePgpass(text)).toBe("it's a\\:\\\\n");
  expect(quoteShell(text)).toBe("'it'\\''s a:\\n'");
});
