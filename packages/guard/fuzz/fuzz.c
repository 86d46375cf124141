/* Feeds the parser of commands with frames: good ones, ones of which bits are turned, and nonsense, cut into pieces of
 * any size. Everything but the parser is a stand-in that reads all that it is given, so that AddressSanitizer sees
 * whatever lies outside. A frame that makes no sense has to end the guard, whatever is behind it; one that does must not.
 *
 * fuzz FRAMES [SEED] */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../c/guard.h"

enum { LONGEST = 4096 };

static uint64_t state;
static uint8_t wire[4 * LONGEST];
static size_t wire_at, wire_len;
static volatile size_t sink; /* so that nothing that is read is left out */
static struct { uint64_t frames, good, bad, started; } counted;

static uint32_t rnd(uint32_t below) {
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)((state >> 11) % below);
}

/* In the place of the socket. */
ssize_t fuzz_recv(int fd, void *to, size_t len, int flags) {
  (void)fd, (void)flags;
  size_t left = wire_len - wire_at, n = left < len ? left : len;
  if (n == 0) return errno = EAGAIN, -1;
  if (n > 1 && rnd(4) == 0) n = 1 + rnd((uint32_t)n);
  memcpy(to, wire + wire_at, n);
  wire_at += n;
  return (ssize_t)n;
}

ssize_t fuzz_send(int fd, const void *data, size_t len, int flags) {
  (void)fd, (void)flags;
  for (size_t i = 0; i < len; i++) sink += ((const uint8_t *)data)[i];
  if (rnd(8) == 0) return errno = EAGAIN, -1;
  return (ssize_t)(1 + rnd((uint32_t)len));
}

int fuzz_kill(pid_t pid, int number) {
  sink += (size_t)pid + (size_t)number;
  errno = rnd(2) ? EPERM : ESRCH;
  return rnd(2) ? 0 : -1;
}

/* In the place of the other files. */
int64_t boot_ns(void) { return INT64_C(1000000) + (int64_t)rnd(1000000); }
void boot_timer_set(int timer, int64_t at) { sink += (size_t)timer + (size_t)at; }
bool task_read(pid_t pid, struct task *t) { return *t = (struct task){.pid = pid}, rnd(2); }
uid_t task_user(pid_t pid) { return (uid_t)pid; }
void check_deadline(struct guard *g) { if (boot_ns() >= atomic_load(g->deadline) && rnd(50) == 0) fold(g, FOLD_DEADLINE); }
void start_killing(struct guard *g) { g->killing = true; }
void fold(struct guard *g, enum fold why) { if (!g->folding) g->folding = why; }
void acknowledge(struct guard *g, uint32_t request, bool refused) { report(&g->chan, REP_ACK, "wuq", request, (unsigned)refused, boot_ns()); }
void report_roll(struct guard *g, enum report type, const struct roll *roll) {
  size_t len;
  const void *packed = roll_pack(roll, &len);
  report(&g->chan, type, "b", packed, len);
}
void signal_descendants(int number, struct roll *roll, int64_t until) {
  sink += (size_t)until;
  *roll = (struct roll){0};
  for (uint32_t n = rnd(20); n > 0; n--) roll_add(roll, (pid_t)n, "fifteen bytes..", rnd(2) ? number : 0);
}
bool asks_to_end(int number) { return number == 15; }
void continue_descendants(pid_t ancestor, int64_t until) { sink += (size_t)ancestor + (size_t)until; }
void signal_orphans(const struct guard *g) { sink += (size_t)g->orphan_signal; }
struct process *process_start(struct channel *c, const struct spawn *what, const _Atomic int64_t *deadline) {
  sink += strlen(what->cwd) + strlen(what->file) + (size_t)atomic_load(deadline);
  for (char **at = what->argv; *at; at++) sink += strlen(*at);
  for (char **at = what->env; *at; at++) sink += strlen(*at);
  counted.started++;
  if (rnd(3) == 0) return report(c, REP_FAILED, "wuw", what->id, 1u, 2u), NULL;
  struct process *p = calloc(1, sizeof *p);
  if (p) *p = (struct process){.id = what->id, .pid = 1, .exited = rnd(2)};
  return p;
}

static size_t put(uint8_t *to, const void *from, size_t len) { return memcpy(to, from, len), len; }

static size_t put_number(uint8_t *to, size_t len) {
  uint64_t value = rnd(4) ? rnd(40) : rnd(2) ? UINT64_MAX >> rnd(64) : (uint64_t)INT64_MAX;
  return put(to, &value, len);
}

static size_t put_text(uint8_t *to) {
  size_t len = rnd(20);
  if (rnd(3) == 0) to[0] = '/', len++;
  for (size_t i = to[0] == '/'; i < len; i++) to[i] = (uint8_t)(1 + rnd(255));
  to[len] = 0;
  return len + 1;
}

/* A command as a supervisor sends it. */
static size_t put_command(uint8_t *to) {
  uint8_t type = (uint8_t)(1 + rnd(9));
  size_t n = put(to, &type, 1);
  if (type == CMD_SPAWN) {
    uint32_t argc = 1 + rnd(5);
    n += put_number(to + n, 4), n += put_number(to + n, 1), n += put(to + n, &argc, 4);
    for (uint32_t strings = 2 + argc + rnd(5); strings > 0; strings--) n += put_text(to + n);
    return n;
  }
  n += put_number(to + n, type == CMD_ORPHANS ? 1 : 4);
  if (type == CMD_ORPHANS) n += put_number(to + n, 4);
  if (type == CMD_SIGNAL) n += put_number(to + n, 2);
  if (type == CMD_SIGNAL_ALL) n += put_number(to + n, 1);
  if (type == CMD_DEADLINE) n += put_number(to + n, 8), n += put_number(to + n, 8);
  for (uint32_t paths = type == CMD_WITHDRAW ? rnd(6) : 0; paths > 0; paths--) n += put_text(to + n);
  return n;
}

static void add_frame(const uint8_t *payload, size_t len, uint32_t claimed) {
  wire_len += put(wire + wire_len, &claimed, sizeof claimed);
  wire_len += put(wire + wire_len, payload, len);
  counted.frames++;
}

static void make_wire(void) {
  wire_at = wire_len = 0;
  for (uint32_t frames = 1 + rnd(6); frames > 0 && wire_len < LONGEST; frames--) {
    uint8_t payload[LONGEST];
    size_t len = put_command(payload);
    uint32_t how = rnd(40), claimed;
    if (how == 0) for (len = rnd(64); len > 0 && rnd(64); len--) payload[rnd((uint32_t)len)] = (uint8_t)rnd(256);
    if (how == 1) payload[rnd((uint32_t)len)] ^= (uint8_t)(1u << rnd(8));
    if (how == 2) len = rnd((uint32_t)len + 1);
    if (how == 3) len += rnd(8);
    claimed = how == 4 ? rnd(2) ? rnd(64) : UINT32_MAX >> rnd(32) : (uint32_t)len;
    add_frame(payload, len, claimed);
  }
}

int main(int argc, char **argv) {
  uint64_t wanted = argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
  state = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
  state = state * 2 + 88172645463325251ULL;
  static _Atomic int64_t deadline;
  while (counted.frames < wanted) {
    struct guard g = {.outer = (pid_t)rnd(2), .deadline = &deadline};
    g.processes_end = &g.processes;
    atomic_store(&deadline, NO_DEADLINE);
    if (!channel_setup(&g.chan)) return 1;
    for (uint32_t turns = 1 + rnd(4); turns > 0 && !g.folding; turns--) {
      make_wire();
      take_commands(&g);
      channel_flush(&g.chan);
      if (g.folding == FOLD_BROKEN && !g.chan.eof) return fprintf(stderr, "broken, but goes on to read\n"), 1;
    }
    if (g.folding == FOLD_BROKEN) counted.bad++;
    else counted.good++;
    for (struct process *p = g.processes, *next; p; p = next) next = p->next, free(p);
    free(g.chan.in.data), free(g.chan.out.data);
  }
  printf("%llu frames, %llu supervisors that made sense, %llu that did not, %llu starts\n",
         (unsigned long long)counted.frames, (unsigned long long)counted.good, (unsigned long long)counted.bad,
         (unsigned long long)counted.started);
  return counted.good && counted.bad && counted.started ? 0 : 1;
}
