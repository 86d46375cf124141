import pg from "pg";

/** Resolves with the first column of the first row of the last statement, as text; empty where there is none. */
export async function askServer(
  server: { readonly host: string; readonly port: number; readonly user: string },
  statement: string,
): Promise<string> {
  const asText = { getTypeParser: () => String };
  const client = new pg.Client({ ...server, database: "postgres", types: asText });
  // A server that is killed under a statement: the statement says so.
  client.on("error", () => {});
  await client.connect();
  try {
    // Several statements have several results.
    const results = [await client.query<[string]>({ text: statement, rowMode: "array" })].flat();
    return results.at(-1)?.rows[0]?.[0] ?? "";
  } finally {
    await client.end();
  }
}
