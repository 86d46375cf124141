import { hasCode } from "@msdha/app";
import { type Guard, KillNotPermittedError } from "@msdha/guard";

/** Keeps asking the kernel whether the guard may kill everything that it started. */
export interface KillPermission {
  /** Rejects with a `KillNotPermittedError` if there is something that it may not kill, or with why the guard is lost. */
  prove(): Promise<void>;
  /** Asks in passing, unless an answer is awaited already; calls `onDenied` if there is something. */
  check(): void;
}

/**
 * A node that may not kill what it runs can't keep the promise of one master: at its kill time something of it would
 * live on. A security module (SELinux, AppArmor) may still refuse SIGKILL where it lets this question pass.
 */
export function createKillPermission(
  guard: Pick<Guard, "survey">,
  { onDenied }: { readonly onDenied: (error: KillNotPermittedError) => void },
): KillPermission {
  let asking = false;

  async function prove(): Promise<void> {
    const { denied, someDenied } = await guard.survey();
    if (denied > 0) throw new KillNotPermittedError(denied, someDenied);
  }

  return {
    prove,
    check() {
      if (asking) return;
      asking = true;
      prove()
        .catch((error: unknown) => {
          // A guard that is lost ends the node by its own signal.
          if (hasCode<KillNotPermittedError>(error, "ERR_KILL_NOT_PERMITTED")) onDenied(error);
        })
        .finally(() => {
          asking = false;
        });
    },
  };
}
