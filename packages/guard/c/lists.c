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

/* The descendants by the kernel's own lists of each thread's children: its cost follows from what was started, not from
 * what else runs on the machine, and they name also what /proc hides. It may miss what ends or is started meanwhile, so
 * it is for looking, not for killing. */

#ifndef ROOM
#define ROOM 4096 /* a test takes less */
#endif

static struct entry_of_list {
  pid_t pid, parent;
} found[ROOM];
static size_t count;
static pid_t unseen; /* one that, or whose children, nothing shows; 0: none; -1: the lists are not complete at all */

static const char hidden[TASK_NAME] = "(hidden)";

static void add_children(pid_t parent, const char *thread) {
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)parent, thread);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    if (errno != ENOENT || parent == getpid()) unseen = -1; /* it has just ended; or the kernel has no such lists */
    return;
  }
  ssize_t n;
  for (off_t offset = 0; (n = pread(fd, text, sizeof text - 1, offset)) > 0; offset += n) {
    while (n > 0 && text[n - 1] != ' ') n--; /* a number that was cut in two is read again */
    if (n == 0) break;
    text[n] = 0;
    char *at = text, *end;
    for (pid_t pid; (pid = (pid_t)strtol(at, &end, 10)) > 1 && end != at && count < ROOM; at = end) {
      found[count].pid = pid;
      found[count++].parent = parent;
    }
  }
  close(fd);
  if (count == ROOM) unseen = -1;
}

struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

static bool exists(pid_t pid) {
  return kill(pid, 0) == 0 || errno == EPERM;
}

/* Not by opendir, which takes memory. */
static void add_children_of_threads(pid_t pid) {
  char path[32];
  _Alignas(struct entry) char entries[2048];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    if (unseen == 0 && kill(pid, 0) == 0) unseen = pid; /* else it counts as denied itself */
    return;
  }
  for (long n; unseen >= 0 && (n = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0;) {
    for (long at = 0; unseen >= 0 && at < n;) {
      const struct entry *entry = (const struct entry *)(entries + at);
      if (isdigit((unsigned char)entry->name[0])) add_children(pid, entry->name);
      at += entry->length;
    }
  }
  close(fd);
}

static void find_all(int64_t until) {
  count = 0;
  unseen = 0;
  add_children_of_threads(getpid());
  for (size_t i = 0; i < count && unseen >= 0; i++) {
    add_children_of_threads(found[i].pid);
    if (i % 64 == 0 && boot_ns() >= until) unseen = -1;
  }
}

static struct task hidden_task(const struct entry_of_list *e) {
  struct task t = {.pid = e->pid, .parent = e->parent, .alive = true, .hidden = true};
  memcpy(t.name, hidden, sizeof hidden);
  return t;
}

/* False: this kernel has no such lists, or there are too many, or it is `until`. Nothing has been visited then. */
bool visit_by_lists(void (*visit)(const struct task *t, void *context), void *context, int64_t until) {
  find_all(until);
  if (unseen < 0) return false;
  for (size_t i = 0; i < count; i++) {
    struct task t;
    bool shown = task_read(found[i].pid, &t);
    if (!shown && !exists(found[i].pid)) continue;
    if (!shown) t = hidden_task(&found[i]);
    /* What has lost its parent meanwhile is ours. */
    if (t.parent == found[i].parent || t.parent == getpid()) visit(&t, context);
  }
  return true;
}

static bool was_found(const struct entry_of_list *before, size_t n, pid_t pid, pid_t parent) {
  for (size_t i = 0; i < n; i++) {
    if (before[i].pid == pid && before[i].parent == parent) return true;
  }
  return false;
}

/* Visits what the walk over /proc does not see: a /proc that was mounted with hidepid hides from another user than root
 * also processes of its own that may not be traced (an unreadable program, PR_SET_DUMPABLE). The kernel lists them
 * among their parents' children all the same. Twice, so that no pid was used again meanwhile. */
void visit_hidden(void (*visit)(const struct task *t, void *context), void *context) {
  static struct entry_of_list before[ROOM];
  static int hides = -1; /* the cost of looking is spared where nothing hides */
  if (hides < 0 || may_start_foreign()) hides = proc_hides();
  unseen = 0;
  if (!hides) return;
  find_all(INT64_MAX);
  size_t n = count;
  memcpy(before, found, n * sizeof *before);
  bool any = false;
  struct task t;
  for (size_t i = 0; i < n && !any; i++) any = !task_read(before[i].pid, &t);
  if (!any) return;
  find_all(INT64_MAX);
  for (size_t i = 0; i < count; i++) {
    const struct entry_of_list e = found[i];
    if (task_read(e.pid, &t) || !exists(e.pid)) continue;
    t = hidden_task(&e);
    if (was_found(before, n, e.pid, e.parent)) visit(&t, context);
    else if (unseen == 0) unseen = e.pid;
  }
}

/* After one of these two: a process that was not visited, or whose children were not; -1: nobody knows which; 0: none. */
pid_t unseen_by_lists(void) {
  return unseen;
}
