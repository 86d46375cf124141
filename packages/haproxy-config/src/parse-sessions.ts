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

/**
 * Reads the answers to several `show sess ID`, by ID. Leaves out a session that has ended or has no server, and a form that is
 * not known here.
 */
export function parseProgress(answers: string): Map<string, SessionProgress> {
  const progress = new Map<string, SessionProgress>();
  for (const answer of answers.split(/^(?=0x)/m)) {
    const [, id] = /^(0x[\da-f]+): /.exec(answer) ?? [];
    const [, server] = /^ +server=([\w.-]+) /m.exec(answer) ?? [];
    const [, sent] = /^ +req=0x[\da-f]+ \(.*\btotal=(\d+)/m.exec(answer) ?? [];
    const [, answered] = /^ +res=0x[\da-f]+ \(.*\btotal=(\d+)/m.exec(answer) ?? [];
    if (id === undefined || server === undefined || sent === undefined || answered === undefined) continue;
    progress.set(id, { server, sent: Number(sent), answered: Number(answered) });
  }
  return progress;
}

/** `4s` is 4, `2m10s` is 130; what is neither is infinitely old. */
function seconds(age: string): number {
  const [, minutes = "0", rest] = /^(?:(\d+)m)?(\d+)s$/.exec(age) ?? [];
  return rest === undefined ? Number.POSITIVE_INFINITY : 60 * Number(minutes) + Number(rest);
}
