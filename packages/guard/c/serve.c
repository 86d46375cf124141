#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"

/* One loop for both of the pair. It *folds*, that is it kills everything for good and ends, when the supervisor
 * closes its side (or dies, which closes it), when the deadline passes, and when its partner dies. What differs:
 * only the inner one starts anything, and the outer one spares the inner one, so that it can still tell how
 * everything ended, unless it is stopped or does not get done. */

/* How long the outer one lets the inner one try, once both are folding, while something is left or nobody listens. */
#define INNER_MAY_TAKE (500 * MS)
/* How long a file system may take to unlink the files, once nothing else is left. */
#define FILES_MAY_TAKE (500 * MS)
#define REAPS_PER_PASS 2048

static int child_signals, files_gone;
static bool nothing_left; /* as waitpid said, in this turn of the loop */
static bool more_to_reap;
static bool gone_told;

static bool is_outer(const struct guard *g) {
  return g->outer == 0;
}

void start_killing(struct guard *g) {
  if (!g->killing) {
    g->killing_since = boot_ns();
    g->withdrawn = false;
    g->gone_since = 0;
    g->denied = g->killed = (struct roll){0};
  }
  g->killing = true;
  g->denied_told = false; /* whoever asks again is told again */
  g->kill_pause = 1;
}

void fold(struct guard *g, enum fold why) {
  if (g->folding) return;
  g->folding = why;
  start_killing(g);
  report(&g->chan, REP_FOLDING, "u", (unsigned)why);
}

void check_deadline(struct guard *g) {
  if (boot_ns() >= atomic_load(g->deadline)) fold(g, FOLD_DEADLINE);
}

void acknowledge(struct guard *g, uint32_t request, bool refused) {
  report(&g->chan, REP_ACK, "wuq", request, (unsigned)refused, boot_ns());
}

void report_roll(struct guard *g, enum report type, const struct roll *roll) {
  size_t len;
  const void *packed = roll_pack(roll, &len);
  report(&g->chan, type, "b", packed, len);
}

/* Counts what SIGKILL ended, by the name that it has until it is reaped. */
static void note_killed(struct guard *g) {
  siginfo_t info = {0};
  struct task t;
  if (!g->killing || waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) return;
  if (info.si_pid == 0 || info.si_pid == g->inner || info.si_status != SIGKILL || info.si_code != CLD_KILLED) return;
  if (g->killed.reached >= ROLL_NAMES || !task_read(info.si_pid, &t)) t = (struct task){.pid = info.si_pid};
  roll_add(&g->killed, t.pid, t.name, 0);
}

static void reap(struct guard *g) {
  pid_t pid = 0;
  int status, i;
  for (i = 0; i < REAPS_PER_PASS; i++) {
    note_killed(g);
    pid = waitpid(-1, &status, WNOHANG | __WALL);
    if (pid <= 0) break;
    if (pid == g->inner) {
      g->inner = 0;
      fold(g, FOLD_PARTNER);
    }
    for (struct process *p = g->processes; p; p = p->next) {
      if (p->pid == pid && !p->exited) process_exited(&g->chan, p, status);
    }
  }
  nothing_left = pid < 0 && errno == ECHILD;
  more_to_reap = pid > 0;
  if (i > 0 && !g->killing) signal_orphans(g);
}

static void tell_denied(struct guard *g, const struct roll *denied) {
  if (g->denied_told && roll_same_denied(denied, &g->denied)) return;
  if (denied->denied || g->denied.denied) report_roll(g, REP_DENIED, denied);
  g->denied = *denied;
  g->denied_told = true;
}

static void kill_pass(struct guard *g) {
  static struct kill_pass pass;
  kill_descendants(g->inner, &pass);
  tell_denied(g, &pass.denied);
  bool late = (pass.left || g->chan.dead) && boot_ns() - g->killing_since > INNER_MAY_TAKE;
  if (g->inner && (pass.spared_stopped || late)) kill(g->inner, SIGKILL);
  if (!g->withdrawn) withdraw_begin();
  g->withdrawn = true;
}

/* False while files are there that must not outlive what was started: something may have made one anew while it was
 * being killed. A file system that hangs is not waited for. */
static bool are_files_gone(struct guard *g) {
  if (!g->killing) return true;
  if (!g->gone_since) {
    g->gone_since = boot_ns();
    withdraw_begin();
  }
  return withdraw_done() || boot_ns() - g->gone_since >= FILES_MAY_TAKE;
}

static void nothing_is_left(struct guard *g) {
  for (struct process *p = g->processes; p; p = p->next) process_drain(&g->chan, p);
  if (g->kill_request || (g->folding && !gone_told)) report_roll(g, REP_KILLED, &g->killed);
  g->killing = g->folding != 0;
  g->orphan_signal = 0;
  if (g->kill_request) acknowledge(g, g->kill_request, false);
  if (g->gone_request) acknowledge(g, g->gone_request, false);
  g->kill_request = g->gone_request = 0;
  if (!g->folding || gone_told) return;
  gone_told = true;
  report(&g->chan, REP_GONE, "");
}

static void forget_processes(struct guard *g) {
  struct process **at = &g->processes;
  for (struct process *p; (p = *at);) {
    if (!process_over(p)) {
      at = &p->next;
      continue;
    }
    *at = p->next;
    free(p);
  }
  g->processes_end = at;
}

/* A partner that was stopped would keep the lock file for ever; woken, it finds the supervisor or us gone. The lock
 * is let go before the channel, by whose end the supervisor knows that it may be taken again. */
static _Noreturn void leave(struct guard *g) {
  if (g->lock >= 0 && withdraw_done()) close(g->lock); /* else a later run's files would be unlinked */
  if (!is_outer(g) && getppid() == g->outer) kill(g->outer, SIGCONT);
  close(g->chan.fd); /* a thread that hangs in a file system would keep it */
  _exit(0);
}

enum { CHANNEL, TIMER, CHILDREN, PARTNER, FILES, FIXED };

/* Without memory for more of them, the processes that were started last have to wait. */
static size_t set_polls(struct guard *g, struct pollfd **polls) {
  static struct pollfd first[FIXED + 3 * 8];
  static size_t cap = sizeof first / sizeof *first;
  if (!*polls) *polls = first;
  size_t n = FIXED;
  for (struct process *p = g->processes; p; p = p->next) n += 3;
  if (n > cap) {
    struct pollfd *more = realloc(*polls == first ? NULL : *polls, 2 * n * sizeof *more);
    if (more) *polls = more, cap = 2 * n;
  }
  bool room = g->chan.out.len < OUTPUT_LIMIT && (!g->processes || channel_room(&g->chan, RELAY_CHUNK));
  short channel_events = (short)((g->chan.eof ? 0 : POLLIN) | (g->chan.out.len ? POLLOUT : 0));
  (*polls)[CHANNEL] = (struct pollfd){g->chan.dead ? -1 : g->chan.fd, channel_events, 0};
  (*polls)[TIMER] = (struct pollfd){g->folding ? -1 : g->timer, POLLIN, 0};
  (*polls)[CHILDREN] = (struct pollfd){child_signals, POLLIN, 0};
  (*polls)[PARTNER] = (struct pollfd){g->folding ? -1 : g->outer_alive, POLLIN, 0};
  (*polls)[FILES] = (struct pollfd){files_gone, POLLIN, 0};
  n = FIXED;
  for (struct process *p = g->processes; p && n + 3 <= cap; p = p->next) {
    (*polls)[n++] = (struct pollfd){p->exec_pipe, POLLIN, 0};
    (*polls)[n++] = (struct pollfd){room ? p->out[0] : -1, POLLIN, 0};
    (*polls)[n++] = (struct pollfd){room ? p->out[1] : -1, POLLIN, 0};
  }
  return n;
}

static void take_polls(struct guard *g, const struct pollfd *polls, size_t n) {
  struct signalfd_siginfo ignored[8];
  if (polls[CHILDREN].revents) while (read(child_signals, ignored, sizeof ignored) > 0) continue;
  if (polls[PARTNER].revents) fold(g, FOLD_PARTNER);
  if (polls[CHANNEL].revents & (POLLHUP | POLLERR)) g->chan.dead = g->chan.eof = true;
  if (polls[CHANNEL].revents || g->chan.eof) take_commands(g);
  /* Commands may have added processes behind those that were polled. */
  struct process *p = g->processes;
  for (const struct pollfd *poll = polls + FIXED; poll < polls + n; poll += 3, p = p->next) {
    if (poll[0].revents) process_exec_result(&g->chan, p);
    for (int i = 0; i < 2; i++) {
      if (poll[1 + i].revents && p->out[i] >= 0) process_relay(&g->chan, p, i);
    }
  }
}

static void setup(struct guard *g) {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  child_signals = signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC);
  g->timer = boot_timer();
  files_gone = withdraw_setup();
  void *page = mmap(NULL, sizeof *g->deadline, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  bool ready = child_signals >= 0 && g->timer >= 0 && files_gone >= 0 && page != MAP_FAILED;
  if (!ready || !kill_setup() || !channel_setup(&g->chan)) {
    report(&g->chan, REP_START_FAILED, "wus", (uint32_t)errno, 0u, "signalfd, timerfd, a thread, memory or opening /proc");
    channel_flush(&g->chan);
    _exit(1);
  }
  g->deadline = page;
  atomic_store(g->deadline, NO_DEADLINE);
  report(&g->chan, REP_HELLO, "uwqu", (unsigned)PROTOCOL_VERSION, (uint32_t)getpid(), boot_ns(), (unsigned)lock_memory());
}

void serve(struct guard *g) {
  struct pollfd *polls = NULL;
  g->processes_end = &g->processes;
  setup(g);
  for (;;) {
    if (g->chan.eof) fold(g, FOLD_CLOSED);
    check_deadline(g);
    reap(g);
    if (g->killing && !nothing_left) {
      kill_pass(g);
      reap(g);
    }
    bool over = nothing_left && are_files_gone(g);
    if (over) nothing_is_left(g);
    forget_processes(g);
    channel_flush(&g->chan);
    /* Not before the supervisor has closed its side: were ours closed, a write of its could cost it what it has not
     * read, that all is gone for one. */
    if (gone_told && g->chan.eof && g->chan.out.len == 0) leave(g);
    if (g->chan.eof && !g->folding) continue; /* as a write has just shown */
    size_t n = set_polls(g, &polls);
    int pause = g->killing && !over ? g->kill_pause : -1;
    if (more_to_reap) pause = 0;
    else if (g->kill_pause < 500) g->kill_pause *= 2;
    if (poll(polls, n, pause) > 0) take_polls(g, polls, n);
  }
}
