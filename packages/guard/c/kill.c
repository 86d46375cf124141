#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"

/* How everything is killed. One pass kills (1) the direct children, as the kernel lists them: whatever loses its
 * parent becomes one, their pids cannot be used again before they are reaped, which only this process does, and the
 * time between the look and the kill is so short that a chain of processes that fork and exit does not outrun it;
 * with each its process group, at one stroke, so that no member can fork on. (2) What is below them, by a walk over
 * /proc, so that a tree does not grow at its leaves while it is cut at its root. Parents die before their children,
 * so none sees a child die and starts another. The caller repeats passes until waitpid says that none is left. */

static const char hidden[TASK_NAME] = "(hidden)";
static int children_fd = -1; /* kept open: killing must not fail for want of a descriptor */

/* For the process that calls it, not for what it forks. */
bool kill_setup(void) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  children_fd = open(path, O_RDONLY | O_CLOEXEC); /* not in every kernel; the walk finds direct children too */
  foreign_setup();
  return tasks_setup();
}

static int send_signal(pid_t pid, int number) {
  return kill(pid, number) < 0 && errno != ESRCH ? errno : 0;
}

/* A child that has not yet made its session is still in our group. Any other group is in a session that one of ours
 * made, and only processes of that session can be in it; its number is taken as long as this child is not reaped. */
static int kill_child(pid_t pid) {
  pid_t group = getpgid(pid);
  if (group > 1 && group != getpgrp()) kill(-group, SIGKILL);
  return send_signal(pid, SIGKILL);
}

/* What may not be killed is noted here if /proc hides it (hidepid), else by the walk. */
static void kill_children(pid_t spared, struct roll *denied) {
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
      struct task t;
      if (pid == spared) continue;
      int error = kill_child(pid);
      if (error && !task_read(pid, &t)) roll_add(denied, pid, hidden, error);
    }
  }
}

/* Not our child, so someone else may reap it and its pid be used again: hold on to the process, look whether it is
 * the one that was seen, then signal what is held. */
static int signal_grandchild(const struct task *t, int number) {
  if (t->hidden) return send_signal(t->pid, number); /* visited just now */
  struct task again;
  int error = 0, fd = (int)syscall(SYS_pidfd_open, t->pid, 0);
  if (fd < 0 && errno == ESRCH) return 0;
  if (task_read(t->pid, &again) && again.started == t->started && again.parent == t->parent) {
    if (fd >= 0 && syscall(SYS_pidfd_send_signal, fd, number, NULL, 0) == 0) error = 0;
    else if (fd >= 0 && errno != ENOSYS) error = errno == ESRCH ? 0 : errno;
    else error = send_signal(t->pid, number);
  }
  if (fd >= 0) close(fd);
  return error;
}

struct killing {
  pid_t self, spared;
  struct kill_pass *pass;
};

static void kill_one(const struct task *t, void *context) {
  const struct killing *k = context;
  if (t->pid == k->spared) {
    k->pass->spared_stopped = t->stopped;
    return;
  }
  k->pass->left++;
  int error = t->parent == k->self ? kill_child(t->pid) : signal_grandchild(t, SIGKILL);
  if (error && t->alive) roll_add(&k->pass->denied, t->pid, t->name, error);
}

void kill_descendants(pid_t spared, struct kill_pass *pass) {
  *pass = (struct kill_pass){0};
  kill_children(spared, &pass->denied);
  walk_descendants(kill_one, &(struct killing){.self = getpid(), .spared = spared, .pass = pass}, INT64_MAX);
}

struct signalling {
  pid_t self;
  int number;
  struct roll *roll;
};

int signal_task(const struct task *t, int number) {
  return t->parent == getpid() ? send_signal(t->pid, number) : signal_grandchild(t, number);
}

static void signal_one(const struct task *t, void *context) {
  const struct signalling *s = context;
  if (!t->alive) return;
  int error = t->parent == s->self ? send_signal(t->pid, s->number) : signal_grandchild(t, s->number);
  if (asks_to_end(s->number)) signal_task(t, SIGCONT);
  roll_add(s->roll, t->pid, t->name, error);
}

/* What nobody can see may be another user's: the caller would rest on its end. */
static void deny_unseen(int number, struct roll *roll) {
  static const char name[TASK_NAME] = "(unseen)";
  pid_t pid = unseen_by_lists();
  if (pid && (number == 0 || number == SIGKILL) && may_start_foreign()) roll_add(roll, pid > 0 ? pid : 0, name, EPERM);
}

/* Sends a signal to every descendant that is alive, to each once; 0 sends none, and tells whether one might be sent.
 * Thousands take a while: it ends early once it is `until`. */
void signal_descendants(int number, struct roll *roll, int64_t until) {
  *roll = (struct roll){0};
  struct signalling how = {.self = getpid(), .number = number, .roll = roll};
  if (number || !visit_by_lists(signal_one, &how, until)) {
    walk_descendants(signal_one, &how, until);
    visit_hidden(signal_one, &how);
  }
  deny_unseen(number, roll);
}

/* A process that is stopped (by SIGSTOP) acts on no signal but SIGKILL: what asks it to end has it go on then, as
 * systemd does. Other signals may be news for a program that somebody has stopped on purpose. */
bool asks_to_end(int number) {
  return number == SIGTERM || number == SIGINT || number == SIGQUIT;
}

static bool descends_from(const struct task *t, pid_t ancestor) {
  struct task at = *t;
  for (int steps = 0; at.parent > 1 && steps < 64; steps++) {
    if (at.parent == ancestor) return true;
    if (!task_read(at.parent, &at)) return false;
  }
  return false;
}

static void continue_one(const struct task *t, void *context) {
  const pid_t *ancestor = context;
  if ((t->stopped || t->hidden) && descends_from(t, *ancestor)) signal_task(t, SIGCONT);
}

/* Has go on what is stopped below a process: a program that was asked to end waits for its parts. */
void continue_descendants(pid_t ancestor, int64_t until) {
  walk_descendants(continue_one, &ancestor, until);
  visit_hidden(continue_one, &ancestor);
}
