import { expect, test } from "vitest";
import { confirmFirst } from "./confirm-first.ts";

const answer = (yes: boolean) => ({ confirm: async () => yes });
const nobody = { confirm: undefined };

test("goes on after a yes, and with --yes without asking", async () => {
  await confirmFirst(answer(true), "Restart a?", {});
  await confirmFirst(answer(false), "Restart a?", { yes: true });
  await confirmFirst(nobody, "Restart a?", { yes: true });
});

test("changes nothing after a no, or where nobody can answer", async () => {
  const no = { exitCode: 1, message: "not confirmed: nothing was changed" };
  await expect(confirmFirst(answer(false), "Restart a?", {})).rejects.toMatchObject(no);
  const message = expect.stringMatching(/^expected --yes, as nobody can answer here/);
  await expect(confirmFirst(nobody, "Restart a?", {})).rejects.toMatchObject({ exitCode: 1, message });
});
