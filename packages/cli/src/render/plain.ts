import { printable } from "@msdha/settings";

/**
 * Returns a text that came from etcd, or from a program, as a terminal may show it: control characters, escape sequences
 * and those that turn the direction of writing around are spelt out, and it is one line.
 */
export function plain(text: string, max = 200): string {
  return printable(text, { max });
}
