import { Counter, Gauge, type Registry } from "prom-client";

/** Declares metrics whose values are known elsewhere, and are set at every scrape. */
export interface Samples {
  gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
  /** Declares a counter, `_total` behind its name. Returns the function that sets it to a total. */
  counter(name: string, help: string): (total: number) => void;
}

/** Returns samples in `registry`, with `prefix` and `_` before each name. */
export function createSamples(registry: Registry, prefix: string): Samples {
  return {
    gauge: (name, help, labelNames = []) =>
      new Gauge({ name: `${prefix}_${name}`, help, labelNames: [...labelNames], registers: [registry] }),
    counter(name, help) {
      const counter = new Counter({ name: `${prefix}_${name}_total`, help, registers: [registry] });
      return (total) => {
        counter.reset();
        counter.inc(total);
      };
    },
  };
}
