/** Where to listen: a file for a unix socket that only this process's user can open, or a TCP port. */
export type Place =
  | { readonly path: string }
  /** `host`: the IP address of the port; default: all. */
  | { readonly port: number; readonly host?: string | undefined };
