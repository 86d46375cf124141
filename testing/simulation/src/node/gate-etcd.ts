import {
  type CallOptions,
  type EtcdApi,
  EtcdUnavailableError,
  type WatchMessage,
  type WatchRequest,
  type WatchStream,
} from "@msdha/etcd-client";
import type { SimulatedProcess } from "../world/process.ts";

/** Told of what a process asks of etcd and what it gets for an answer. */
export interface CallObserver {
  /** The process has asked; returns what is told of the answer when it has come in. */
  asked(call: keyof EtcdApi, argument: unknown): (answer: unknown) => void;
  /** A watch is opened, until `signal` aborts. */
  watching?(request: WatchRequest, signal: AbortSignal): void;
  /** A message of a watch has come in. */
  received?(message: WatchMessage): void;
}

/** etcd as a process has it: requests leave it, and answers enter it, only while it runs. */
export function gateEtcd(etcd: EtcdApi, process: SimulatedProcess, observer: CallObserver): EtcdApi {
  function ask<A, T>(
    call: keyof EtcdApi,
    argument: A,
    options: CallOptions,
    send: (argument: A, options: CallOptions) => Promise<T>,
  ): Promise<T> {
    const answered = observer.asked(call, argument);
    return process
      .ask(() => send(argument, options))
      .then((answer) => {
        answered(answer);
        return answer;
      });
  }

  return {
    range: (range, options) => ask("range", range, options, etcd.range),
    txn: (transaction, options) => ask("txn", transaction, options, etcd.txn),
    leaseGrant: (seconds, options) => ask("leaseGrant", seconds, options, etcd.leaseGrant),
    leaseKeepAlive: (id, options) => ask("leaseKeepAlive", id, options, etcd.leaseKeepAlive),
    leaseRevoke: (id, options) => ask("leaseRevoke", id, options, etcd.leaseRevoke),
    leaseTimeToLive: (id, options) => ask("leaseTimeToLive", id, options, etcd.leaseTimeToLive),
    watch(request, { signal }) {
      observer.watching?.(request, signal);
      let stream: WatchStream | undefined;
      let messages: AsyncIterator<WatchMessage> | undefined;
      process.leave(() => {
        stream = etcd.watch(request, { signal });
        messages = stream[Symbol.asyncIterator]();
      });
      const next = async (): Promise<IteratorResult<WatchMessage>> => {
        const result = await receive();
        if (!result.done) observer.received?.(result.value);
        return result;
      };
      const receive = (): Promise<IteratorResult<WatchMessage>> =>
        process.ask(
          () => messages?.next() ?? Promise.reject(new EtcdUnavailableError("the watch was not opened")),
        );
      return {
        requestProgress: () => process.leave(() => stream?.requestProgress()),
        [Symbol.asyncIterator]: () => ({ next }),
      };
    },
  };
}
