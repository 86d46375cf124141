/** Returns the state of each node, by what `msdha list --json` prints. */
export function listedStates(json: string): ReadonlyMap<string, string> {
  const { nodes } = JSON.parse(json) as {
    readonly nodes: readonly { readonly name: string; readonly state: string }[];
  };
  return new Map(nodes.map(({ name, state }) => [name, state]));
}

/** Whether there is a master, and all others are ready. */
export function isWhole(states: ReadonlyMap<string, string>, nodes: number): boolean {
  const all = [...states.values()];
  return all.includes("master") && all.filter((state) => state === "ready").length === nodes - 1;
}
