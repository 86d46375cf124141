import type { CallOptions, Client, ClientUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";
import type { ICallable, IResponseHeader } from "etcd3";
import type { Connection } from "./connection.ts";

/** What etcd3's raw clients (`KVClient` …) run their calls on: one connection, one token, one time limit. */
export type Callable = ICallable<Connection>;

/** When a call is to stop; without a `deadline` gRPC sets none. */
export interface Limits {
  readonly signal: AbortSignal;
  readonly deadline?: Date;
  /** Called with the header of each single answer; what it throws is what the call ends with. */
  readonly onHeader?: (header: IResponseHeader) => void;
}

type UnaryMethod = (
  payload: unknown,
  metadata: Metadata,
  options: CallOptions,
  done: (error: ServiceError | null, response?: unknown) => void,
) => ClientUnaryCall;

/** Binds calls to `connection`; an abort of `signal` cancels those that wait for a single answer. */
export function createCallable(connection: Connection, metadata: Metadata, limits: Limits): Callable {
  return {
    callOptionsFactory: undefined,
    async exec<T>(
      service: Parameters<Connection["client"]>[0],
      method: string,
      payload: unknown,
    ): Promise<T> {
      const client = await connection.client(service);
      const call = (): Promise<unknown> => callUnary(client, method, payload, metadata, limits);
      const response = (await connection.run(call)) as T & { readonly header?: IResponseHeader };
      if (response.header) limits.onHeader?.(response.header);
      return response;
    },
    async withConnection(service, use) {
      const client = await connection.client(service);
      return connection.run(() => use({ resource: connection, client, metadata }));
    },
    markFailed() {},
  };
}

function callUnary(
  client: Client,
  method: string,
  payload: unknown,
  metadata: Metadata,
  limits: Limits,
): Promise<unknown> {
  const { signal, deadline } = limits;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const cancel = (): void => call.cancel();
    const start = (client as unknown as Record<string, UnaryMethod>)[method];
    if (!start) throw new TypeError(`expected a method of etcd's API, got ${method}`);
    const call = start.call(client, payload, metadata, deadline ? { deadline } : {}, (error, response) => {
      signal.removeEventListener("abort", cancel);
      if (error) reject(error);
      else resolve(response);
    });
    signal.addEventListener("abort", cancel, { once: true });
  });
}
