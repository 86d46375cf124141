#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "guard.h"

/* What the supervisor asks for. A command that makes no sense ends the guard: it kills everything. */

static bool is_outer(const struct guard *g) {
  return g->outer == 0;
}

static size_t count_strings(const struct cursor *c) {
  size_t n = 0;
  for (const uint8_t *at = c->at; at < c->end; at++) n += *at == 0;
  return n;
}

static void start_process(struct guard *g, const struct spawn *what) {
  if (g->folding || g->killing) {
    enum step step = g->folding == FOLD_DEADLINE ? STEP_PAST_DEADLINE : STEP_REFUSED;
    report(&g->chan, REP_FAILED, "wuw", what->id, (unsigned)step, (uint32_t)0);
    return;
  }
  struct process *p = process_start(&g->chan, what, g->deadline);
  if (p) *g->processes_end = p, g->processes_end = &p->next;
}

static void do_spawn(struct guard *g, struct cursor *c) {
  struct spawn what = {.id = take_u32(c), .piped = take_u8(c)};
  uint32_t argc = take_u32(c);
  size_t rest = (size_t)(c->end - c->at);
  if (c->bad || what.id == 0 || argc < 1 || argc > rest) {
    c->bad = true;
    return;
  }
  what.cwd = take_string(c);
  what.file = take_string(c);
  char **strings = calloc(count_strings(c) + 2, sizeof *strings); /* a NULL behind both lists */
  if (!strings) {
    c->at = c->end;
    report(&g->chan, REP_FAILED, "wuw", what.id, (unsigned)STEP_FORK, (uint32_t)ENOMEM);
    return;
  }
  what.argv = strings;
  for (uint32_t i = 0; i < argc && !c->bad; i++) *strings++ = take_string(c);
  what.env = ++strings;
  while (!c->bad && c->at < c->end) *strings++ = take_string(c);
  if (!c->bad) start_process(g, &what);
  free(what.argv);
}

static void signal_process(struct guard *g, const struct process *p, int number, bool group) {
  if (group && kill(-p->pid, number) == 0) return;
  if (kill(p->pid, number) == 0 || errno == ESRCH) return;
  struct roll roll = {0};
  struct task t = {.pid = p->pid};
  int error = errno;
  (void)task_read(p->pid, &t);
  roll_add(&roll, p->pid, t.name, error);
  report_roll(g, REP_SIGNAL_DENIED, &roll);
}

/* Only to what has not been reaped: its pid, and its group's number, are nobody else's. */
static void do_signal(struct guard *g, struct cursor *c) {
  uint32_t id = take_u32(c);
  int number = take_u8(c);
  bool group = take_u8(c);
  for (struct process *p = g->processes; p && !c->bad; p = p->next) {
    if (p->id != id || p->exited) continue;
    signal_process(g, p, number, group);
    if (g->killing || !asks_to_end(number)) continue;
    kill(group ? -p->pid : p->pid, SIGCONT);
    continue_descendants(p->pid, atomic_load(g->deadline));
  }
}

static void do_signal_all(struct guard *g, struct cursor *c) {
  struct roll roll;
  uint32_t request = take_u32(c);
  int number = take_u8(c);
  if (is_outer(g)) c->bad = true;
  if (c->bad) return;
  signal_descendants(number, &roll, atomic_load(g->deadline));
  size_t len;
  const void *packed = roll_pack(&roll, &len);
  report(&g->chan, REP_SIGNALLED, "wb", request, packed, len);
}

static void do_orphans(struct guard *g, struct cursor *c) {
  int number = take_u8(c);
  pid_t parent = (pid_t)take_u32(c);
  if (is_outer(g)) c->bad = true;
  if (c->bad) return;
  g->orphan_signal = number;
  g->orphans_of = parent;
  signal_orphans(g);
}

static void do_deadline(struct guard *g, struct cursor *c) {
  uint32_t request = take_u32(c);
  int64_t at = take_i64(c), in = take_i64(c);
  if (c->bad) return;
  /* A supervisor whose clock has leapt is wrong about the one, and one that was suspended about the other. */
  int64_t now = boot_ns();
  if (in < NO_DEADLINE - now && now + in < at) at = now + in;
  if (!g->folding) {
    atomic_store(g->deadline, at);
    boot_timer_set(g->timer, at);
  }
  acknowledge(g, request, g->folding != 0);
}

static void do_kill_all(struct guard *g, struct cursor *c) {
  uint32_t request = take_u32(c);
  if (is_outer(g)) c->bad = true;
  if (c->bad) return;
  g->kill_request = request;
  start_killing(g);
}

static void do_withdraw(struct guard *g, struct cursor *c) {
  uint32_t request = take_u32(c);
  if (c->bad) return;
  if (withdraw_set(c)) acknowledge(g, request, false);
  else c->bad = true;
}

static void do_command(struct guard *g, uint8_t type, struct cursor *c) {
  uint32_t request;
  check_deadline(g); /* a later one that was sent in time but is read too late does not count */
  switch (type) {
    case CMD_SPAWN:
      if (is_outer(g)) c->bad = true;
      else do_spawn(g, c);
      break;
    case CMD_SIGNAL:
      do_signal(g, c);
      break;
    case CMD_DEADLINE:
      do_deadline(g, c);
      break;
    case CMD_KILL_ALL:
      do_kill_all(g, c);
      break;
    case CMD_GONE:
      request = take_u32(c);
      if (!c->bad) g->gone_request = request;
      break;
    case CMD_PING:
      request = take_u32(c);
      if (!c->bad) acknowledge(g, request, g->folding != 0);
      break;
    case CMD_SIGNAL_ALL:
      do_signal_all(g, c);
      break;
    case CMD_ORPHANS:
      do_orphans(g, c);
      break;
    case CMD_WITHDRAW:
      do_withdraw(g, c);
      break;
    default:
      c->bad = true;
  }
}

/* Nothing is read any more once something made no sense: what lies behind it may be anything. */
void take_commands(struct guard *g) {
  uint8_t type;
  struct cursor payload;
  bool broken = false;
  while (channel_receive(&g->chan)) {
    while (!broken && channel_next(&g->chan, &type, &payload, &broken)) {
      do_command(g, type, &payload);
      if (payload.bad || payload.at != payload.end) broken = true;
    }
    if (!broken) continue;
    fold(g, FOLD_BROKEN);
    g->chan.eof = true;
  }
}
