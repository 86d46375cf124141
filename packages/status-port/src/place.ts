/** Where to listen: a file for a unix socket that only this process's user can open, or a TCP port. */
export type Place = { readonly path: string } | TcpPlace;

export interface TcpPlace {
  readonly port: number;
  /** The IP address of the port; default: all. */
  readonly host?: string | undefined;
}
