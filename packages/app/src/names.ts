import { z } from "zod";

/**
 * A group's name: part of etcd keys, so without `/`, white space or control characters, not beginning with `_`, `.` or
 * `-`. Nor U+FFFD, which Node makes of bytes that are not UTF-8. The same rule as `isName` in `@msdha/group`; a
 * test of the backend compares them.
 */
export function groupName(): z.ZodType<string, string> {
  return name();
}

/** A node's name; the same rules as for a group's. */
export function nodeName(): z.ZodType<string, string> {
  return name();
}

function name(): z.ZodType<string, string> {
  return z
    .string()
    .regex(
      /^(?![_.-])[^\p{White_Space}\p{C}/\uFFFD]{1,253}$/u,
      "a name of 1 to 253 characters without / or white space, not beginning with _ . or -",
    );
}
