/* msdha-guard: a pair of processes between a supervisor and what it starts. See ../README.md and main.c. */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The protocol; src/protocol.ts is the other end. A frame is a little-endian u32 length of what follows, a u8 type
 * and the type's fields, little-endian, in the order given here. Strings end in a NUL. A roll is u32 how many
 * processes were reached, u32 how many were denied, then up to 2 x ROLL_NAMES of them, each u32 pid, u32 user,
 * i32 errno (0: reached), name. */
#define PROTOCOL_VERSION 3
enum command {
  CMD_SPAWN = 1,      /* u32 id, u8 piped, u32 argc, cwd, file, argc arguments (with argv[0]), environment */
  CMD_SIGNAL = 2,     /* u32 id, u8 signal, u8 whole process group; after one that asks to end what is stopped goes on */
  CMD_DEADLINE = 3,   /* u32 request, i64 ns on CLOCK_BOOTTIME, i64 ns from now on: the sooner counts (INT64_MAX: none) */
  CMD_KILL_ALL = 4,   /* u32 request: answered once nothing is left, after REP_KILLED */
  CMD_GONE = 5,       /* u32 request: answered once nothing is left */
  CMD_PING = 6,       /* u32 request */
  CMD_SIGNAL_ALL = 7, /* u32 request, u8 signal, 0 to send none: answered by REP_SIGNALLED */
  CMD_WITHDRAW = 8,   /* u32 request, up to WITHDRAW_FILES absolute paths: unlinked at each kill from now on */
  CMD_ORPHANS = 9,    /* u8 signal, u32 pid or 0: to what has lost its parent, and to that process's children, to each
                         once, SIGTERM to who ignores it; until nothing is left also to what loses its parent later */
};
enum report {
  REP_HELLO = 1,        /* u8 version, u32 pid, i64 now, u8 enum locked */
  REP_START_FAILED = 2, /* i32 errno, u8 busy, what failed */
  REP_STARTED = 3,      /* u32 id, u32 pid */
  REP_FAILED = 4,       /* u32 id, u8 step, i32 errno */
  REP_EXIT = 5,         /* u32 id, u8 by signal, u8 exit code or signal */
  REP_OUTPUT = 6,       /* u32 id, u8 1 or 2, bytes */
  REP_OUTPUT_END = 7,   /* u32 id */
  REP_ACK = 8,          /* u32 request, u8 refused, i64 now */
  REP_FOLDING = 9,      /* u8 why: everything is being killed for good */
  REP_GONE = 10,        /* nothing: nothing is left and nothing will be started again */
  REP_SIGNALLED = 11,   /* u32 request, roll */
  REP_DENIED = 12,      /* roll: what may not be killed, whenever that changes during a kill */
  REP_KILLED = 13,      /* roll: what ended by SIGKILL, before the answer to CMD_KILL_ALL and before REP_GONE */
  REP_SIGNAL_DENIED = 14, /* roll: what CMD_SIGNAL may not reach */
};
enum step { STEP_FORK = 1, STEP_CWD, STEP_EXEC, STEP_PAST_DEADLINE, STEP_REFUSED };
/* How much of the guard's memory can't be swapped out: nothing, what it had at the start, also what it takes later. */
enum locked { LOCKED_NOTHING, LOCKED_START, LOCKED_ALL };
enum fold { FOLD_CLOSED = 1, FOLD_DEADLINE, FOLD_PARTNER, FOLD_BROKEN };

#define NO_DEADLINE INT64_MAX
#define MS INT64_C(1000000)

/* While the supervisor does not read, this much is kept for it; then the children's pipes are not read any more. */
#define OUTPUT_LIMIT (256 * 1024)
/* The longest frame taken from the supervisor: more than execve takes. */
#define FRAME_LIMIT (8 * 1024 * 1024)

/* clock.c */
int64_t boot_ns(void);
int boot_timer(void);
void boot_timer_set(int timer, int64_t at);

/* memory.c */
enum locked lock_memory(void);

/* channel.c: frames over the socket to the supervisor; nothing here ever blocks. */
struct bytes {
  uint8_t *data;
  size_t start, len, cap; /* len bytes from start on */
};
struct channel {
  int fd;
  bool eof;  /* the supervisor will send nothing more */
  bool dead; /* and will read nothing more */
  struct bytes in, out;
};
struct cursor {
  const uint8_t *at, *end;
  bool bad; /* something was missing */
};
bool channel_setup(struct channel *c);
bool channel_room(struct channel *c, size_t len);
bool channel_receive(struct channel *c);
bool channel_next(struct channel *c, uint8_t *type, struct cursor *payload, bool *broken);
void channel_flush(struct channel *c);
/* One report: fields by format, u = u8, w = u32, q = i64, s = string with its NUL, b = pointer and length. One that
 * there is no memory for ends the channel: what the supervisor is told must not have gaps. */
void report(struct channel *c, enum report type, const char *format, ...);
uint8_t take_u8(struct cursor *c);
uint32_t take_u32(struct cursor *c);
int64_t take_i64(struct cursor *c);
char *take_string(struct cursor *c);

/* roll.c: how many processes something was done to, and the names of some. */
#define ROLL_NAMES 8
#define TASK_NAME 16 /* the kernel's own limit, with its NUL */
struct roll_entry {
  pid_t pid;
  uid_t user;
  int error;
  char name[TASK_NAME];
};
struct roll {
  uint32_t reached, denied;
  struct roll_entry reached_some[ROLL_NAMES], denied_some[ROLL_NAMES];
};
void roll_add(struct roll *r, pid_t pid, const char *name, int error);
bool roll_same_denied(const struct roll *a, const struct roll *b);
/* Its bytes for a report, in memory that the next call uses again. */
const void *roll_pack(const struct roll *r, size_t *len);

/* tasks.c: processes as /proc shows them. Nothing here takes memory. */
struct task {
  pid_t pid, parent;
  bool alive, stopped;
  bool hidden; /* /proc does not show it; nothing but its pid and parent is known */
  unsigned long long started; /* with the pid it names a process for good */
  char name[TASK_NAME];
};
bool tasks_setup(void);
bool task_read(pid_t pid, struct task *t);
uid_t task_user(pid_t pid);
bool task_ignores(pid_t pid, int number);
void walk_descendants(void (*visit)(const struct task *t, void *context), void *context, int64_t until);

/* lists.c */
bool visit_by_lists(void (*visit)(const struct task *t, void *context), void *context, int64_t until);
void visit_hidden(void (*visit)(const struct task *t, void *context), void *context);
pid_t unseen_by_lists(void);

/* foreign.c */
void foreign_setup(void);
bool may_start_foreign(void);
bool proc_hides(void);

/* processes.c: what was started by command, and only that. */
struct process {
  struct process *next;
  uint32_t id;
  pid_t pid;
  bool exited;
  int exec_pipe; /* open until it is known whether the program was executed */
  int out[2];    /* its stdout and stderr, -1 when closed */
  bool piped;
};
struct spawn {
  uint32_t id;
  bool piped;
  char *cwd, *file, **argv, **env;
};
struct process *process_start(struct channel *c, const struct spawn *what, const _Atomic int64_t *deadline);
void process_exec_result(struct channel *c, struct process *p);
void process_relay(struct channel *c, struct process *p, int stream);
void process_drain(struct channel *c, struct process *p);
void process_exited(struct channel *c, struct process *p, int status);
bool process_over(const struct process *p);
#define RELAY_CHUNK (64 * 1024)
void processes_setup(int old_nice);

/* kill.c */
bool kill_setup(void);
struct kill_pass {
  size_t left;         /* descendants that are alive or not yet reaped, without the spared one */
  bool spared_stopped;
  struct roll denied;
};
void kill_descendants(pid_t spared, struct kill_pass *pass);
void signal_descendants(int number, struct roll *roll, int64_t until);
int signal_task(const struct task *t, int number);
bool asks_to_end(int number);
void continue_descendants(pid_t ancestor, int64_t until);

/* orphans.c */
struct guard;
void signal_orphans(const struct guard *g);

/* withdraw.c: files that must not outlive what was started. */
#define WITHDRAW_FILES 4
bool withdraw_set(struct cursor *paths);
int withdraw_setup(void);
void withdraw_begin(void);
bool withdraw_done(void);

/* init.c */
_Noreturn void run_as_init(char **argv);

/* ask.c */
int ask(const char *name, const char *path, char **argv);
int call(char *otherwise, const char *name, const char *path, char **argv);

/* serve.c, commands.c */
struct guard {
  struct channel chan;
  pid_t inner;     /* the outer one's: its child, 0 once that is reaped */
  pid_t outer;     /* the inner one's: its parent; the outer one's: 0 */
  int outer_alive; /* the inner one's: a pipe that closes with the outer one; the outer one's: -1 */
  int lock;        /* the lock file, or -1 */

  int timer;
  _Atomic int64_t *deadline; /* shared with children until they execute their program */
  struct process *processes, **processes_end; /* in the order of their start */
  enum fold folding; /* why; 0: not */
  bool killing;      /* something is being killed, for good or not */
  int64_t killing_since;
  int kill_pause;    /* ms to the next pass, if nothing happens before */
  int orphan_signal; /* 0: none is sent */
  pid_t orphans_of;  /* whose children get it too, or 0 */
  bool withdrawn;    /* at this kill: the files were begun with */
  int64_t gone_since; /* at this kill: since when nothing is left but, it may be, the files; 0: something is */
  bool denied_told;  /* as is, at this kill */
  struct roll denied, killed; /* at this kill */
  uint32_t kill_request, gone_request; /* the newest ones; an answer is one to all before it too */
};
_Noreturn void serve(struct guard *g);
void fold(struct guard *g, enum fold why);
void start_killing(struct guard *g);
void check_deadline(struct guard *g);
void acknowledge(struct guard *g, uint32_t request, bool refused);
void report_roll(struct guard *g, enum report type, const struct roll *roll);
void take_commands(struct guard *g);
