#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"

/* How everything is killed. One pass kills (1) the direct children, as the kernel lists them: whatever loses its
 * parent becomes one, their pids cannot be used again before they are reaped, which only this process does, and the
 * time between the look and the kill is so short that a chain of processes that fork and exit does not outrun it;
 * with each its process group, at one stroke, so that no member can fork on. (2) What is below them, by a walk over
 * /proc, so that a tree does not grow at its leaves while it is cut at its root. Parents die before their children,
 * so none sees a child die and starts another. The caller repeats passes until waitpid says that none is left. */

struct task {
  pid_t pid, parent;
  char state;
  bool ours;
  unsigned long long started; /* with the pid it names a process for good */
};

static int children_fd = -1; /* kept open: killing must not fail for want of a descriptor */
static DIR *proc;
static struct task *tasks;
static size_t tasks_cap;

/* For the process that calls it, not for what it forks. */
bool kill_setup(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  children_fd = open(path, O_RDONLY | O_CLOEXEC); /* not in every kernel; the walk finds direct children too */
  proc = opendir("/proc");
  return proc != NULL;
}

/* A child that has not yet made its session is still in our group. Any other group is in a session that one of ours
 * made, and only processes of that session can be in it; its number is taken as long as this child is not reaped. */
static void kill_child(pid_t pid) {
  pid_t group = getpgid(pid);
  if (group > 1 && group != getpgrp()) kill(-group, SIGKILL);
  kill(pid, SIGKILL);
}

static void kill_children(pid_t spared) {
  char text[4096];
  off_t offset = 0;
  ssize_t n;
  while (children_fd >= 0 && (n = pread(children_fd, text, sizeof text - 1, offset)) > 0) {
    while (n > 0 && text[n - 1] != ' ') n--; /* a number that was cut in two is read again */
    if (n == 0) return;
    text[n] = 0;
    offset += n;
    char *at = text, *end;
    for (pid_t pid; (pid = (pid_t)strtol(at, &end, 10)) > 1 && end != at; at = end) {
      if (pid != spared) kill_child(pid);
    }
  }
}

static bool read_task(pid_t pid, struct task *t) {
  char path[32], text[512];
  snprintf(path, sizeof path, "%d/stat", (int)pid);
  int fd = openat(dirfd(proc), path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n = read(fd, text, sizeof text - 1);
  close(fd);
  if (n <= 0) return false;
  text[n] = 0;
  char *after_name = strrchr(text, ')'); /* the name before may hold anything */
  int parent;
  *t = (struct task){.pid = pid};
  if (!after_name ||
      sscanf(after_name, ") %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
             &t->state, &parent, &t->started) != 3)
    return false;
  t->parent = parent;
  return true;
}

static int by_pid(const void *a, const void *b) {
  pid_t x = ((const struct task *)a)->pid, y = ((const struct task *)b)->pid;
  return (x > y) - (x < y);
}

static size_t read_tasks(void) {
  size_t n = 0;
  rewinddir(proc);
  for (struct dirent *entry; (entry = readdir(proc));) {
    if (!isdigit((unsigned char)entry->d_name[0])) continue;
    if (n == tasks_cap) {
      tasks_cap = tasks_cap ? 2 * tasks_cap : 256;
      tasks = need(realloc(tasks, tasks_cap * sizeof *tasks));
    }
    if (read_task(atoi(entry->d_name), &tasks[n])) n++;
  }
  qsort(tasks, n, sizeof *tasks, by_pid);
  return n;
}

/* Not our child, so someone else may reap it and its pid be used again: hold on to the process, look whether it is
 * the one that was seen, then kill what is held. */
static void kill_grandchild(const struct task *t) {
  struct task again;
  int fd = (int)syscall(SYS_pidfd_open, t->pid, 0);
  if (fd < 0 && errno == ESRCH) return;
  if (read_task(t->pid, &again) && again.started == t->started && again.parent == t->parent) {
    if (fd < 0 || syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) < 0) kill(t->pid, SIGKILL);
  }
  if (fd >= 0) close(fd);
}

struct seen kill_descendants(pid_t spared) {
  struct seen seen = {0};
  pid_t self = getpid();
  kill_children(spared);
  size_t n = read_tasks();
  for (bool more = true; more;) {
    more = false;
    for (size_t i = 0; i < n; i++) {
      struct task *t = &tasks[i];
      if (t->ours) continue;
      struct task *parent = bsearch(&(struct task){.pid = t->parent}, tasks, n, sizeof *tasks, by_pid);
      if (t->parent != self && !(parent && parent->ours)) continue;
      t->ours = more = true;
      if (t->pid == spared) {
        seen.spared_stopped = t->state == 'T' || t->state == 't';
        continue;
      }
      seen.descendants++;
      if (t->parent == self) kill_child(t->pid);
      else kill_grandchild(t);
    }
  }
  return seen;
}
