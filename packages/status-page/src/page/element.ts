/** What an element may be given besides its children. Texts only: nothing here is ever read as markup. */
export interface ElementOptions {
  readonly class?: string;
  readonly title?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/** Makes an element. A child that is a string becomes a text. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  options: ElementOptions = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (options.class !== undefined) made.className = options.class;
  if (options.title !== undefined) made.title = options.title;
  for (const [name, value] of Object.entries(options.attributes ?? {})) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** The element of the page with an id. Throws if the page has none. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no ${id}`);
  return found;
}

/** Sets what is in an element. Leaves it alone if it looks the same, and with it what is selected or announced there. */
export function fill(place: HTMLElement, children: readonly Node[]): void {
  const same =
    place.childNodes.length === children.length &&
    children.every((child, index) => child.isEqualNode(place.childNodes[index] ?? null));
  if (!same) place.replaceChildren(...children);
}
