import type { NodeReport } from "@msdha/group";

/** What the `report` hook said last. report.ts writes it. */
export interface LatestReport {
  /** undefined before the first run, after one that failed, and where there is no such hook. */
  readonly report: NodeReport | undefined;
  /** When the run began that said it, by the node's clock. */
  readonly askedAt: number;
  note(report: NodeReport | undefined, askedAt: number): void;
}

export function recordReport(): LatestReport {
  let latest: { readonly report: NodeReport | undefined; readonly askedAt: number } | undefined;
  return {
    get report() {
      return latest?.report;
    },
    get askedAt() {
      return latest?.askedAt ?? Number.NEGATIVE_INFINITY;
    },
    note(report, askedAt) {
      latest = { report, askedAt };
    },
  };
}
