import { isIP } from "node:net";
import { z } from "zod";

/** Where a status port listens: one IP address without a zone, or `*` for all, which reads as undefined. */
export function bindAddress(): z.ZodType<string | undefined, string> {
  return z
    .string()
    .refine((text) => text === "*" || (isIP(text) !== 0 && !text.includes("%")), "* or an IP address")
    .transform((text) => (text === "*" ? undefined : text));
}
