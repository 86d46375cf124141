/**
 * AbortController and AbortSignal in plain JavaScript: Node's own are most of what a simulated second costs, and let
 * the garbage collector decide over some of what they do. Same order of things: whatever follows from a signal is
 * aborted before anybody is told, then the signal's own listeners are, then those of what follows from it.
 */
export function installQuickAbort(): Disposable {
  const { AbortController, AbortSignal } = globalThis;
  Object.assign(globalThis, { AbortController: QuickAbortController, AbortSignal: QuickAbortSignal });
  return {
    [Symbol.dispose]: () => void Object.assign(globalThis, { AbortController, AbortSignal }),
  };
}

type Listener = (event: { readonly type: "abort"; readonly target: QuickAbortSignal }) => void;

interface ListenerOptions {
  readonly once?: boolean;
  readonly signal?: QuickAbortSignal;
}

class QuickAbortSignal {
  aborted = false;
  reason: unknown = undefined;
  #listeners: Map<Listener, () => void> | undefined;
  #dependents: QuickAbortSignal[] | undefined;
  /** What this one follows; nothing that follows something itself. */
  #sources: readonly QuickAbortSignal[] = [];

  static abort(reason: unknown = makeReason()): QuickAbortSignal {
    const signal = new QuickAbortSignal();
    signal.trigger(reason);
    return signal;
  }

  static any(signals: readonly QuickAbortSignal[]): QuickAbortSignal {
    const result = new QuickAbortSignal();
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted) {
      result.aborted = true;
      result.reason = aborted.reason;
      return result;
    }
    const sources = new Set(
      signals.flatMap((signal) => (signal.#sources.length > 0 ? signal.#sources : [signal])),
    );
    result.#sources = [...sources];
    for (const source of sources) {
      source.#dependents ??= [];
      source.#dependents.push(result);
    }
    return result;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  addEventListener(_type: "abort", listener: Listener, { signal }: ListenerOptions = {}): void {
    if (this.aborted || signal?.aborted) return;
    this.#listeners ??= new Map();
    if (this.#listeners.has(listener)) return;
    const remove = (): void => this.removeEventListener("abort", listener);
    this.#listeners.set(listener, signal ? () => signal.removeEventListener("abort", remove) : nothing);
    signal?.addEventListener("abort", remove);
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    const forget = this.#listeners?.get(listener);
    if (!forget) return;
    this.#listeners?.delete(listener);
    forget();
  }

  trigger(reason: unknown): void {
    if (this.aborted) return;
    const following = (this.#dependents ?? []).filter((signal) => !signal.aborted);
    for (const signal of [this, ...following]) {
      signal.aborted = true;
      signal.reason = reason;
    }
    this.#dependents = undefined;
    this.#tell();
    for (const signal of following) signal.#tell();
  }

  #tell(): void {
    for (const [listener, forget] of this.#listeners ?? []) {
      forget();
      listener({ type: "abort", target: this });
    }
    this.#listeners = undefined;
  }
}

class QuickAbortController {
  readonly signal: QuickAbortSignal = new QuickAbortSignal();

  abort(reason: unknown = makeReason()): void {
    this.signal.trigger(reason);
  }
}

function makeReason(): Error {
  const error = new Error("This operation was aborted");
  error.name = "AbortError";
  return error;
}

function nothing(): void {}
