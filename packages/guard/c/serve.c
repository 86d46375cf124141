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
#define REAPS_PER_PASS 256

static struct guard *g;
static int timer, child_signals;
static _Atomic int64_t *deadline; /* shared with children until they execute their program */
static struct process *processes, **processes_end = &processes; /* in the order of their start */

static enum fold folding;      /* why; 0: not */
static bool killing;           /* something is being killed, for good or not */
static int64_t killing_since;
static int kill_pause;         /* ms to the next pass, if nothing happens before */
static bool nothing_left;      /* as waitpid said, in this turn of the loop */
static bool more_to_reap;
static bool gone_told;
static uint32_t kill_request, gone_request; /* the newest ones; an answer is one to all before it too */

static bool is_outer(void) {
  return g->outer == 0;
}

static void start_killing(void) {
  if (!killing) killing_since = boot_ns();
  killing = true;
  kill_pause = 1;
}

static void fold(enum fold why) {
  if (folding) return;
  folding = why;
  start_killing();
  report(&g->chan, REP_FOLDING, "u", (unsigned)why);
}

static void check_deadline(void) {
  if (boot_ns() >= atomic_load(deadline)) fold(FOLD_DEADLINE);
}

static void acknowledge(uint32_t request, bool refused) {
  report(&g->chan, REP_ACK, "wuq", request, (unsigned)refused, boot_ns());
}

static void do_spawn(struct cursor *c) {
  struct spawn what = {.id = take_u32(c), .piped = take_u8(c)};
  uint32_t argc = take_u32(c), envc = 0;
  size_t rest = (size_t)(c->end - c->at);
  if (c->bad || what.id == 0 || argc < 1 || argc > rest) {
    c->bad = true;
    return;
  }
  what.cwd = take_string(c);
  what.file = take_string(c);
  what.argv = need(calloc(argc + 1, sizeof *what.argv));
  for (uint32_t i = 0; i < argc; i++) what.argv[i] = take_string(c);
  what.env = need(calloc(rest + 1, sizeof *what.env));
  while (!c->bad && c->at < c->end) what.env[envc++] = take_string(c);
  if (c->bad) goto done;
  if (folding || killing) {
    enum step step = folding == FOLD_DEADLINE ? STEP_PAST_DEADLINE : STEP_REFUSED;
    report(&g->chan, REP_FAILED, "wuw", what.id, (unsigned)step, (uint32_t)0);
  } else {
    struct process *p = process_start(&g->chan, &what, deadline);
    if (p) *processes_end = p, processes_end = &p->next;
  }
done:
  free(what.argv);
  free(what.env);
}

/* Only to what has not been reaped: its pid, and its group's number, are nobody else's. */
static void do_signal(struct cursor *c) {
  uint32_t id = take_u32(c);
  int number = take_u8(c);
  bool group = take_u8(c);
  for (struct process *p = processes; p && !c->bad; p = p->next) {
    if (p->id != id || p->exited || (group && kill(-p->pid, number) == 0)) continue;
    kill(p->pid, number);
  }
}

static void do_command(uint8_t type, struct cursor *c) {
  uint32_t request;
  int64_t at;
  check_deadline(); /* a later one that was sent in time but is read too late does not count */
  switch (type) {
    case CMD_SPAWN:
      if (is_outer()) c->bad = true;
      else do_spawn(c);
      break;
    case CMD_SIGNAL:
      do_signal(c);
      break;
    case CMD_DEADLINE:
      request = take_u32(c);
      at = take_i64(c);
      if (c->bad) break;
      if (!folding) {
        atomic_store(deadline, at);
        boot_timer_set(timer, at);
      }
      acknowledge(request, folding != 0);
      break;
    case CMD_KILL_ALL:
      request = take_u32(c);
      if (is_outer()) c->bad = true;
      if (c->bad) break;
      kill_request = request;
      start_killing();
      break;
    case CMD_GONE:
      request = take_u32(c);
      if (!c->bad) gone_request = request;
      break;
    case CMD_PING:
      acknowledge(take_u32(c), folding != 0);
      break;
    default:
      c->bad = true;
  }
}

static void take_commands(void) {
  uint8_t type;
  struct cursor payload;
  bool broken = false;
  while (channel_receive(&g->chan)) {
    while (channel_next(&g->chan, &type, &payload, &broken)) {
      do_command(type, &payload);
      if (payload.bad) broken = true;
    }
    if (broken) {
      fold(FOLD_BROKEN);
      g->chan.eof = true;
    }
  }
}

static void reap(void) {
  pid_t pid = 0;
  int status;
  for (int i = 0; i < REAPS_PER_PASS && (pid = waitpid(-1, &status, WNOHANG | __WALL)) > 0; i++) {
    if (pid == g->inner) {
      g->inner = 0;
      fold(FOLD_PARTNER);
    }
    for (struct process *p = processes; p; p = p->next) {
      if (p->pid == pid && !p->exited) process_exited(&g->chan, p, status);
    }
  }
  nothing_left = pid < 0 && errno == ECHILD;
  more_to_reap = pid > 0;
}

static void kill_pass(void) {
  struct seen seen = kill_descendants(g->inner);
  bool late = (seen.descendants || g->chan.dead) && boot_ns() - killing_since > INNER_MAY_TAKE;
  if (g->inner && (seen.spared_stopped || late)) kill(g->inner, SIGKILL);
}

static void nothing_is_left(void) {
  for (struct process *p = processes; p; p = p->next) process_drain(&g->chan, p);
  killing = folding != 0;
  if (kill_request) acknowledge(kill_request, false);
  if (gone_request) acknowledge(gone_request, false);
  kill_request = gone_request = 0;
  if (!folding || gone_told) return;
  gone_told = true;
  report(&g->chan, REP_GONE, "");
}

static void forget_processes(void) {
  struct process **at = &processes;
  for (struct process *p; (p = *at);) {
    if (!process_over(p)) {
      at = &p->next;
      continue;
    }
    *at = p->next;
    free(p);
  }
  processes_end = at;
}

/* A partner that was stopped would keep the lock file for ever; woken, it finds the supervisor or us gone. The lock
 * is let go before the channel, by whose end the supervisor knows that it may be taken again. */
static _Noreturn void leave(void) {
  if (g->lock >= 0) close(g->lock);
  if (!is_outer() && getppid() == g->outer) kill(g->outer, SIGCONT);
  _exit(0);
}

enum { CHANNEL, TIMER, CHILDREN, PARTNER, FIXED };

static size_t set_polls(struct pollfd **polls) {
  static size_t cap;
  size_t n = FIXED;
  for (struct process *p = processes; p; p = p->next) n += 3;
  if (n > cap) *polls = need(realloc(*polls, (cap = 2 * n) * sizeof **polls));
  bool room = g->chan.out.len < OUTPUT_LIMIT;
  short channel_events = (short)((g->chan.eof ? 0 : POLLIN) | (g->chan.out.len ? POLLOUT : 0));
  (*polls)[CHANNEL] = (struct pollfd){g->chan.dead ? -1 : g->chan.fd, channel_events, 0};
  (*polls)[TIMER] = (struct pollfd){folding ? -1 : timer, POLLIN, 0};
  (*polls)[CHILDREN] = (struct pollfd){child_signals, POLLIN, 0};
  (*polls)[PARTNER] = (struct pollfd){folding ? -1 : g->outer_alive, POLLIN, 0};
  n = FIXED;
  for (struct process *p = processes; p; p = p->next) {
    (*polls)[n++] = (struct pollfd){p->exec_pipe, POLLIN, 0};
    (*polls)[n++] = (struct pollfd){room ? p->out[0] : -1, POLLIN, 0};
    (*polls)[n++] = (struct pollfd){room ? p->out[1] : -1, POLLIN, 0};
  }
  return n;
}

static void take_polls(const struct pollfd *polls, size_t n) {
  struct signalfd_siginfo ignored[8];
  if (polls[CHILDREN].revents) while (read(child_signals, ignored, sizeof ignored) > 0) continue;
  if (polls[PARTNER].revents) fold(FOLD_PARTNER);
  if (polls[CHANNEL].revents & (POLLHUP | POLLERR)) g->chan.dead = g->chan.eof = true;
  if (polls[CHANNEL].revents || g->chan.eof) take_commands();
  /* Commands may have added processes behind those that were polled. */
  struct process *p = processes;
  for (const struct pollfd *poll = polls + FIXED; poll < polls + n; poll += 3, p = p->next) {
    if (poll[0].revents) process_exec_result(&g->chan, p);
    for (int i = 0; i < 2; i++) {
      if (poll[1 + i].revents && p->out[i] >= 0) process_relay(&g->chan, p, i);
    }
  }
}

static void setup(void) {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  child_signals = signalfd(-1, &children, SFD_NONBLOCK | SFD_CLOEXEC);
  timer = boot_timer();
  void *page = mmap(NULL, sizeof *deadline, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (child_signals < 0 || timer < 0 || page == MAP_FAILED || !kill_setup()) {
    report(&g->chan, REP_START_FAILED, "wus", (uint32_t)errno, 0u, "signalfd, timerfd, mmap or opening /proc");
    channel_flush(&g->chan);
    _exit(1);
  }
  deadline = page;
  atomic_store(deadline, NO_DEADLINE);
  (void)mlockall(MCL_CURRENT); /* do not wait for swap when it counts; may be forbidden, then it is not */
  report(&g->chan, REP_HELLO, "uwq", (unsigned)PROTOCOL_VERSION, (uint32_t)getpid(), boot_ns());
}

void serve(struct guard *guard) {
  struct pollfd *polls = NULL;
  g = guard;
  setup();
  for (;;) {
    if (g->chan.eof) fold(FOLD_CLOSED);
    check_deadline();
    reap();
    if (killing && !nothing_left) {
      kill_pass();
      reap();
    }
    if (nothing_left) nothing_is_left();
    forget_processes();
    channel_flush(&g->chan);
    /* Not before the supervisor has closed its side: were ours closed, a write of its could cost it what it has not
     * read, that all is gone for one. */
    if (gone_told && g->chan.eof && g->chan.out.len == 0) leave();
    if (g->chan.eof && !folding) continue; /* as a write has just shown */
    size_t n = set_polls(&polls);
    int pause = killing && !nothing_left ? kill_pause : -1;
    if (more_to_reap) pause = 0;
    else if (kill_pause < 500) kill_pause *= 2;
    if (poll(polls, n, pause) > 0) take_polls(polls, n);
  }
}
