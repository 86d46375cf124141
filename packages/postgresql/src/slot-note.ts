import type { HookContext } from "./context.ts";

/**
 * Logs, once, why the master at this address has no slot for this standby. It is asked for one again as long as this node streams without
 * (`standby-watch.ts`).
 */
export function noteSlot(
  { log, settings, slotNote }: HookContext,
  address: string,
  { slot, why }: { readonly slot: string; readonly why: string },
): void {
  const lacksOne = slot === "" && settings.slotKeep !== "0";
  const text = lacksOne
    ? `no slot could be made on ${address}, which keeps MSDHA_PG_WAL_KEEP of log for this node only and is asked again: ${why}`
    : "";
  if (text !== "" && text !== slotNote.text) log(text);
  slotNote.text = text;
}
