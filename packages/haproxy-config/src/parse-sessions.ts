/** One row of `show sess`. */
export interface SessionRow {
  readonly id: string;
  /** The server that it has, or is connecting to. */
  readonly server: string;
  /** Whole seconds, rounded down. */
  readonly ageSeconds: number;
}

/** How far one session is. */
export interface SessionProgress {
  readonly server: string;
  /** Bytes that the client has sent. */
  readonly sent: number;
  /** Bytes that the server has answered. */
  readonly answered: number;
}

/** Reads `show sess`: the sessions that have a server. An age of a day or more counts as a very long one. */
export function parseSessions(answer: string): SessionRow[] {
  return answer.split("\n").flatMap((line) => {
    const [, id] = /^(0x[\da-f]+): /.exec(line) ?? [];
    const [, server] = / srv=(\S+)/.exec(line) ?? [];
    const [, age] = / age=(\S+)/.exec(line) ?? [];
    if (id === undefined || server === undefined || server.startsWith("<")) return [];
    return [{ id, server, ageSeconds: seconds(age ?? "") }];
  });
}

/** Reads `show sess ID`; undefined for a session that has ended or has no server, or a form that is not known here. */
export function parseProgress(answer: string): SessionProgress | undefined {
  const [, server] = /^ +server=([\w.-]+) /m.exec(answer) ?? [];
  const [, sent] = /^ +req=0x[\da-f]+ \(.*\btotal=(\d+)/m.exec(answer) ?? [];
  const [, answered] = /^ +res=0x[\da-f]+ \(.*\btotal=(\d+)/m.exec(answer) ?? [];
  if (server === undefined || sent === undefined || answered === undefined) return undefined;
  return { server, sent: Number(sent), answered: Number(answered) };
}

/** `4s` is 4, `2m10s` is 130; what is neither is infinitely old. */
function seconds(age: string): number {
  const [, minutes = "0", rest] = /^(?:(\d+)m)?(\d+)s$/.exec(age) ?? [];
  return rest === undefined ? Number.POSITIVE_INFINITY : 60 * Number(minutes) + Number(rest);
}
