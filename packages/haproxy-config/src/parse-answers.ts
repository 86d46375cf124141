import { HaproxyAnswerError } from "./errors.ts";

/** What the runtime API can ask of a server, or `ready` for one that takes traffic. */
export type ServerState = "ready" | "drain" | "maint";

/** One row of `show servers state`. */
export interface ServerRow {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly state: ServerState;
}

/** One row of `show stat`; what HAProxy leaves empty is 0. */
export interface StatRow {
  readonly proxy: string;
  /** `FRONTEND`, `BACKEND` or a server's name. */
  readonly server: string;
  readonly status: string;
  readonly currentSessions: number;
  readonly totalSessions: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly connectionErrors: number;
  readonly retries: number;
}

const MAINT_FLAGS = 0x01 | 0x02 | 0x20 | 0x40;
const DRAIN_FLAGS = 0x08 | 0x10;

/** Reads by column name, so that columns which another version of HAProxy adds or moves do not matter. */
export function parseServersState(answer: string): ServerRow[] {
  const lines = answer.split("\n");
  const head = lines.find((line) => line.startsWith("# "));
  const columns = head?.slice(2).split(" ") ?? [];
  const at = (name: string): number => {
    const index = columns.indexOf(name);
    if (index < 0) throw new HaproxyAnswerError(`a column ${name} of 'show servers state'`, answer);
    return index;
  };
  const [name, address, port, admin] = [
    at("srv_name"),
    at("srv_addr"),
    at("srv_port"),
    at("srv_admin_state"),
  ];
  return lines
    .map((line) => line.split(" "))
    .filter((cells) => cells.length >= columns.length && cells[0] !== "#")
    .map((cells) => ({
      name: cells[name] ?? "",
      address: cells[address] ?? "",
      port: Number(cells[port]),
      state: stateOf(Number(cells[admin])),
    }));
}

export function parseStat(answer: string): StatRow[] {
  const [head = "", ...lines] = answer.trim().split("\n");
  if (!head.startsWith("# pxname,svname,")) throw new HaproxyAnswerError("a table of 'show stat'", answer);
  const columns = head.slice(2).split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    const text = (name: string): string => cells[columns.indexOf(name)] ?? "";
    const count = (name: string): number => Number(text(name)) || 0;
    return {
      proxy: text("pxname"),
      server: text("svname"),
      status: text("status"),
      currentSessions: count("scur"),
      totalSessions: count("stot"),
      bytesIn: count("bin"),
      bytesOut: count("bout"),
      connectionErrors: count("econ"),
      retries: count("wretr"),
    };
  });
}

/** The fields of `show info`, by name. */
export function parseInfo(answer: string): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of answer.split("\n")) {
    const [, name, value] = /^([^:]+): ?(.*)$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) fields.set(name, value);
  }
  return fields;
}

/** `[2, 6]` of `2.6.12-1+deb12u4`, of `HAProxy version 3.0-dev5 …`; undefined when there is no such number. */
export function parseVersion(text: string): readonly [major: number, minor: number] | undefined {
  const [, major, minor] = /(?:^|\s)v?(\d{1,4})\.(\d{1,4})/.exec(text) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}

function stateOf(adminState: number): ServerState {
  if (adminState & MAINT_FLAGS) return "maint";
  return adminState & DRAIN_FLAGS ? "drain" : "ready";
}
