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

interface Listening {
  /** undefined once it was taken off. */
  listener: Listener | undefined;
  /** Takes off what would take it off. */
  forget: (() => void) | undefined;
}

interface ListenerOptions {
  readonly once?: boolean;
  readonly signal?: QuickAbortSignal;
}

/** Counts signals as they are made, and aborts as they happen. */
let made = 0;
let aborts = 0;

/**
 * A signal that follows others looks at them when it is asked, and is known to them only while somebody listens to
 * it: one that lasts does not keep all that ever followed it.
 */
class QuickAbortSignal {
  /** Whose place it has among those that follow the same signal. */
  readonly #order = ++made;
  /** Which abort it was; 0 for none. */
  #abortedAs = 0;
  #reason: unknown = undefined;
  #listeners: Listening[] | undefined;
  /** Those that follow this one and are listened to. */
  #dependents: Set<QuickAbortSignal> | undefined;
  /** What this one follows; nothing that follows something itself. */
  #sources: readonly QuickAbortSignal[] = NONE;

  static abort(reason: unknown = makeReason()): QuickAbortSignal {
    const signal = new QuickAbortSignal();
    signal.trigger(reason);
    return signal;
  }

  static any(signals: readonly QuickAbortSignal[]): QuickAbortSignal {
    const result = new QuickAbortSignal();
    const sources: QuickAbortSignal[] = [];
    for (const signal of signals) {
      if (signal.aborted) {
        result.#abortAs(signal);
        return result;
      }
      if (signal.#sources.length === 0) addOnce(sources, signal);
      else for (const source of signal.#sources) addOnce(sources, source);
    }
    result.#sources = sources;
    return result;
  }

  get aborted(): boolean {
    if (this.#abortedAs === 0 && this.#sources.length > 0) this.#follow();
    return this.#abortedAs > 0;
  }

  get reason(): unknown {
    return this.aborted ? this.#reason : undefined;
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.#reason;
  }

  addEventListener(_type: "abort", listener: Listener, { signal }: ListenerOptions = {}): void {
    if (this.aborted || signal?.aborted) return;
    if (!this.#listeners) {
      this.#listeners = [];
      for (const source of this.#sources) source.#addDependent(this);
    } else if (this.#listeners.some((each) => each.listener === listener)) return;
    const listening: Listening = { listener, forget: undefined };
    this.#listeners.push(listening);
    if (!signal) return;
    const remove = (): void => this.#remove(listening);
    listening.forget = () => signal.removeEventListener("abort", remove);
    signal.addEventListener("abort", remove);
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    const found = this.#listeners?.find((each) => each.listener === listener);
    if (found) this.#remove(found);
  }

  #remove(listening: Listening): void {
    listening.listener = undefined;
    listening.forget?.();
    const left = this.#listeners?.filter((each) => each.listener);
    if (!left || left.length === 0) this.#endListening();
    else this.#listeners = left;
  }

  trigger(reason: unknown): void {
    if (this.#abortedAs > 0) return;
    const following = [...(this.#dependents ?? [])].filter(({ aborted }) => !aborted);
    if (following.length > 1) following.sort((a, b) => a.#order - b.#order);
    this.#abortedAs = ++aborts;
    this.#reason = reason;
    for (const signal of following) signal.#abortAs(this);
    this.#dependents = undefined;
    this.#notify();
    for (const signal of following) signal.#notify();
  }

  /** Aborts when a source has; the first of them to abort is the one that counts. */
  #follow(): void {
    let first: QuickAbortSignal | undefined;
    for (const source of this.#sources) {
      if (source.#abortedAs > 0 && (!first || source.#abortedAs < first.#abortedAs)) first = source;
    }
    if (first) this.#abortAs(first);
  }

  #abortAs(other: QuickAbortSignal): void {
    this.#abortedAs = other.#abortedAs;
    this.#reason = other.#reason;
  }

  #addDependent(dependent: QuickAbortSignal): void {
    this.#dependents ??= new Set();
    this.#dependents.add(dependent);
  }

  #endListening(): void {
    this.#listeners = undefined;
    for (const source of this.#sources) source.#dependents?.delete(this);
  }

  #notify(): void {
    for (const { listener, forget } of this.#listeners ?? []) {
      forget?.();
      listener?.({ type: "abort", target: this });
    }
    this.#endListening();
  }
}

class QuickAbortController {
  readonly signal: QuickAbortSignal = new QuickAbortSignal();

  abort(reason: unknown = makeReason()): void {
    this.signal.trigger(reason);
  }
}

function addOnce(signals: QuickAbortSignal[], signal: QuickAbortSignal): void {
  if (!signals.includes(signal)) signals.push(signal);
}

/** An error without what makes errors dear. */
const abortError: object = Object.create(Error.prototype, {
  name: { value: "AbortError" },
  message: { value: "This operation was aborted" },
});

function makeReason(): Error {
  return Object.create(abortError) as Error;
}

const NONE: readonly QuickAbortSignal[] = [];
