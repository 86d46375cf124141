import { canonicalAddress } from "./values.ts";

interface Port {
  readonly port: number;
  readonly descriptors?: readonly number[] | undefined;
}

/** What of the options of `renderConfig` says where HAProxy listens, and where nothing does. */
export interface PortOptions extends Port {
  readonly morePorts?: readonly Port[];
  readonly pool?: Port | undefined;
  readonly addresses?: readonly string[];
  readonly parkingPort?: number;
}

/**
 * Throws a `TypeError` that names both when two options give HAProxy the same port or descriptor, or the same address twice. The
 * port of an entry with descriptors is not compared: HAProxy does not bind it.
 */
export function checkDistinct({ morePorts = [], pool, parkingPort = 1, ...first }: PortOptions): void {
  const listens: [name: string, port: Port][] = [
    ["", first],
    ...morePorts.map((port, index): [string, Port] => [`morePorts[${index}].`, port]),
    ...(pool ? [["pool.", pool] satisfies [string, Port]] : []),
  ];
  const bound = listens.filter(([, { descriptors }]) => descriptors === undefined);
  const ports = bound.map(([name, { port }]): Named => [`${name}port`, port]);
  refuseEqual("ports", [...ports, ["parkingPort", parkingPort]]);
  refuseEqual(
    "descriptors",
    listens.flatMap(([name, { descriptors = [] }]) =>
      descriptors.map((descriptor, at): Named => [`${name}descriptors[${at}]`, descriptor]),
    ),
  );
  if (bound.length === 0) return;
  const { addresses = [] } = first;
  refuseEqual(
    "addresses",
    addresses.map((address, at): Named => [`addresses[${at}]`, canonicalAddress(address)]),
  );
}

type Named = readonly [name: string, value: number | string];

function refuseEqual(what: string, values: readonly Named[]): void {
  const names = new Map<number | string, string>();
  for (const [name, value] of values) {
    const other = names.get(value);
    if (other !== undefined) {
      throw new TypeError(`${other} and ${name}: expected two different ${what}, got ${value} for both`);
    }
    names.set(value, name);
  }
}
