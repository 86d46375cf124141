#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guard.h"

/* A walk over /proc that finds the descendants of the process that walks. It keeps no table of all processes, so it
 * needs no memory when there are many: a process is ours if the chain of its parents leads here. /proc lists the
 * smaller pids first, which as a rule are the parents, so a small memory of what has been looked at makes most
 * chains one step long. */

enum { MEMORY = 1024, LONGEST_CHAIN = 4096, LOOK_AT_CLOCK = 64 };

struct looked_at {
  pid_t pid;
  bool ours;
  unsigned walk;
  unsigned long long started;
};

static DIR *proc; /* kept open: killing must not fail for want of a descriptor or memory */
static struct looked_at memory[MEMORY];
static unsigned walk;

bool tasks_setup(void) {
  proc = opendir("/proc");
  return proc != NULL;
}

static ssize_t read_file(pid_t pid, const char *name, char *text, size_t size) {
  char path[32];
  snprintf(path, sizeof path, "%d/%s", (int)pid, name);
  int fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read(fd, text, size - 1);
  close(fd);
  text[n > 0 ? n : 0] = 0;
  return n;
}

/* The number that begins after `fields` more spaces. */
static unsigned long long field(const char *at, int fields) {
  while (fields-- > 0 && at) {
    at = strchr(at, ' ');
    if (at) at++;
  }
  return at ? strtoull(at, NULL, 10) : 0;
}

bool task_read(pid_t pid, struct task *t) {
  char text[512];
  if (read_file(pid, "stat", text, sizeof text) <= 0) return false;
  char *name = strchr(text, '('), *after = strrchr(text, ')'); /* the name itself may hold anything */
  if (!name || !after || after < name || strlen(after) < 5) return false;
  *t = (struct task){.pid = pid};
  size_t len = (size_t)(after - ++name);
  memcpy(t->name, name, len < TASK_NAME ? len : TASK_NAME - 1);
  char state = after[2];
  const char *fields = after + 2; /* field 3 of proc(5) */
  t->parent = (pid_t)field(fields, 1);
  t->started = field(fields, 19);
  /* A process whose first thread has ended looks like a zombie while its other threads run. */
  t->alive = (state != 'Z' && state != 'X') || field(fields, 17) > 1;
  t->stopped = state == 'T' || state == 't';
  return true;
}

/* The real user, or -1 if the process has gone. */
uid_t task_user(pid_t pid) {
  char text[2048];
  if (read_file(pid, "status", text, sizeof text) <= 0) return (uid_t)-1;
  const char *line = strstr(text, "\nUid:\t");
  return line ? (uid_t)strtoul(line + 6, NULL, 10) : (uid_t)-1;
}

static struct looked_at *remembered(pid_t pid) {
  struct looked_at *seen = &memory[(unsigned)pid % MEMORY];
  return seen->pid == pid && seen->walk == walk ? seen : NULL;
}

bool task_ignores(pid_t pid, int number) {
  char text[2048];
  if (read_file(pid, "status", text, sizeof text) <= 0) return false;
  const char *line = strstr(text, "\nSigIgn:\t");
  return line && (strtoull(line + 9, NULL, 16) >> (number - 1) & 1);
}

/* Whether the chain of parents leads here. A pid can be used again between two looks: a parent that is younger than its
 * child is another process, and one that was looked at before has to be the same one still. */
static bool descends(const struct task *t, pid_t self) {
  struct task at = *t, parent;
  for (int steps = 0; steps < LONGEST_CHAIN; steps++) {
    if (at.parent == self) return true;
    if (at.parent <= 1) return false;
    const struct looked_at *seen = remembered(at.parent);
    if (seen && !seen->ours) return false;
    if (!task_read(at.parent, &parent) || parent.started > at.started) return false;
    if (seen) return seen->started == parent.started;
    at = parent;
  }
  return false;
}

/* Visits what descends from this process, alive or not yet reaped, parents before their children as a rule. What is
 * started or loses its parent meanwhile may be missing. Ends early once it is `until`. */
void walk_descendants(void (*visit)(const struct task *t, void *context), void *context, int64_t until) {
  pid_t self = getpid();
  walk++;
  rewinddir(proc);
  unsigned n = 0;
  for (struct dirent *entry; (entry = readdir(proc)) && (++n % LOOK_AT_CLOCK || boot_ns() < until);) {
    struct task t;
    if (!isdigit((unsigned char)entry->d_name[0]) || !task_read(atoi(entry->d_name), &t)) continue;
    bool ours = descends(&t, self);
    memory[(unsigned)t.pid % MEMORY] =
        (struct looked_at){.pid = t.pid, .ours = ours, .walk = walk, .started = t.started};
    if (ours) visit(&t, context);
  }
}
