/** What `docker compose logs` puts before each line: the container's name. */
const CONTAINER = /^([\w.-]+) +\| /;

/**
 * Returns the last lines of a log: `most` of each container, where `docker compose logs` has named them, since it prints one container's
 * lines after another's; else `most` of all.
 */
export function lastLines(text: string, most: number): string {
  const counts = new Map<string, number>();
  const isAmongLast = (line: string): boolean => {
    const [, container = ""] = CONTAINER.exec(line) ?? [];
    const count = (counts.get(container) ?? 0) + 1;
    counts.set(container, count);
    return count <= most;
  };
  return text.split("\n").toReversed().filter(isAmongLast).toReversed().join("\n");
}
