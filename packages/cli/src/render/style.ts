import { styleText } from "node:util";

export type Colour = "green" | "yellow" | "red" | "dim" | "bold" | "cyan";

/** Colours a text; always the same text without its escape sequences. */
export type Style = (colour: Colour, text: string) => string;

/** Colours for a terminal, or none. A colour is never all that says something. */
export function createStyle(isColourful: boolean): Style {
  if (!isColourful) return (_colour, text) => text;
  return (colour, text) => (text === "" ? text : styleText(colour, text, { validateStream: false }));
}
