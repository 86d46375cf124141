/**
 * The socket's file in the run folder. A caller sends its arguments, each with a NUL behind it, and ends its side; the
 * answer is a byte, the exit code, and text for its standard output (code 0) or standard error (any other).
 * `@msdha/guard` speaks this: `askServer`, and `c/ask.c` for hooks, which should not wait for a Node to start.
 */
export const CONTROL_SOCKET = "control.sock";
