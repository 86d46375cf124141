import type { EtcdMember as EtcdProcess } from "@msdha/testkit";
import type { EtcdSettings, EtcdUser, WatchMessage, WatchStream } from "../src/index.ts";

/** The settings to reach these processes, in this order. */
export function settingsOf(processes: readonly EtcdProcess[], user?: EtcdUser): EtcdSettings {
  const [first] = processes;
  const secure = first?.tls !== undefined;
  const endpoints = processes.map(({ clientPort }) => ({ address: `127.0.0.1:${clientPort}`, secure }));
  const files = first?.tls;
  const tls = files && { ca: files.caCert, cert: files.clientCert, key: files.clientKey };
  return { endpoints, ...(user && { user }), ...(tls && { tls }) };
}

/** Settings without TLS or user, for proxies. */
export function settingsFor(...addresses: readonly string[]): EtcdSettings {
  return { endpoints: addresses.map((address) => ({ address, secure: false })) };
}

export interface Collected {
  readonly messages: WatchMessage[];
  /** Values of the events so far, `-key` for a deletion. */
  values(): string[];
  /** What ended the stream. */
  readonly ended: Promise<Error>;
}

/** Reads a watch to its end in the background. */
export function collect(stream: WatchStream): Collected {
  const messages: WatchMessage[] = [];
  async function read(): Promise<Error> {
    try {
      for await (const message of stream) messages.push(message);
    } catch (error) {
      return error as Error;
    }
    return new Error("the stream ended without an error");
  }
  return {
    messages,
    values: () =>
      messages.flatMap(({ events }) =>
        events.map(({ type, kv }) => (type === "PUT" ? kv.value : `-${kv.key}`)),
      ),
    ended: read(),
  };
}
