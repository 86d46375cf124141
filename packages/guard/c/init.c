/* msdha-guard --init PROGRAM [ARGUMENT]... as the first process of a container: starts the program, passes every
 * signal on to it, reaps whatever loses its parent, and ends as the program ends, which ends the container. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"

static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

/* In a group of its own, or a terminal's Ctrl-C would reach it twice: from the kernel and from here. */
static _Noreturn void become(char **argv, const sigset_t *mask) {
  setpgid(0, 0);
  tcsetpgrp(STDIN_FILENO, getpgrp());
  sigprocmask(SIG_SETMASK, mask, NULL);
  execvp(argv[0], argv);
  int error = errno;
  fprintf(stderr, "msdha-guard: cannot execute %s: %s\n", argv[0], strerror(error));
  _exit(error == ENOENT ? 127 : 126);
}

static void reap(pid_t program) {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (pid == program) _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
}

_Noreturn void run_as_init(char **argv) {
  sigset_t signals, before;
  sigfillset(&signals);
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&signals, faults[i]);
  sigprocmask(SIG_SETMASK, &signals, &before);
  signal(SIGCHLD, SIG_DFL); /* where it was ignored before, nobody would say that the program has ended */

  pid_t program = fork();
  if (program < 0) {
    fprintf(stderr, "msdha-guard: cannot fork: %s\n", strerror(errno));
    _exit(1);
  }
  if (program == 0) become(argv, &before);
  for (;;) {
    int number = sigwaitinfo(&signals, NULL);
    if (number == SIGCHLD) reap(program);
    else if (number > 0) kill(program, number);
    if (asks_to_end(number)) kill(program, SIGCONT);
  }
}
