/** HAProxy's stats socket could not be reached, or did not answer in time. A command may have been carried out all the same. */
export class HaproxyUnavailableError extends Error {
  override readonly name = "HaproxyUnavailableError";
  readonly code = "ERR_HAPROXY_UNAVAILABLE";
}

/** HAProxy answered that it will not carry out a command, or did not carry it out in time. */
export class HaproxyCommandError extends Error {
  override readonly name = "HaproxyCommandError";
  readonly code = "ERR_HAPROXY_COMMAND";
  readonly command: string;
  readonly answer: string;

  constructor(command: string, answer: string) {
    super(`HAProxy refused '${command}': ${answer.trim().split("\n", 1)[0] || "no reason given"}`);
    this.command = command;
    this.answer = answer;
  }
}

/** HAProxy's answer is not of a form that is known here. */
export class HaproxyAnswerError extends Error {
  override readonly name = "HaproxyAnswerError";
  readonly code = "ERR_HAPROXY_ANSWER";
  readonly answer: string;

  constructor(expected: string, answer: string) {
    super(`expected ${expected} from HAProxy, got ${JSON.stringify(answer.slice(0, 120))}`);
    this.answer = answer;
  }
}
