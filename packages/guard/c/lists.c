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
 * what else runs on the machine. It may miss what ends or is started meanwhile, so it is for looking, not for killing. */

enum { ROOM = 256 };

static struct entry_of_list {
  pid_t pid, parent;
} found[ROOM];
static size_t count;

static bool add_children(pid_t parent, const char *thread) {
  char path[64], text[2048];
  snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)parent, thread);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT && parent != getpid(); /* it has just ended; or the kernel has no such lists */
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
  return count < ROOM;
}

struct entry {
  uint64_t inode;
  int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[];
};

/* Not by opendir, which takes memory. */
static bool add_children_of_threads(pid_t pid) {
  char path[32];
  _Alignas(struct entry) char entries[2048];
  snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT;
  bool room = true;
  for (long n; room && (n = syscall(SYS_getdents64, fd, entries, sizeof entries)) > 0;) {
    for (long at = 0; room && at < n;) {
      const struct entry *entry = (const struct entry *)(entries + at);
      if (isdigit((unsigned char)entry->name[0])) room = add_children(pid, entry->name);
      at += entry->length;
    }
  }
  close(fd);
  return room;
}

/* A process of another user's in a /proc that was mounted with hidepid. */
static bool is_hidden(pid_t pid, struct task *t) {
  if (kill(pid, 0) == 0 || errno != EPERM) return false;
  *t = (struct task){.pid = pid, .parent = getpid(), .alive = true, .name = "(hidden)"};
  return true;
}

/* False: this kernel has no such lists, or there are too many. Nothing has been visited then. */
bool visit_by_lists(void (*visit)(const struct task *t, void *context), void *context) {
  count = 0;
  if (!add_children_of_threads(getpid())) return false;
  for (size_t i = 0; i < count; i++) {
    if (!add_children_of_threads(found[i].pid)) return false;
  }
  for (size_t i = 0; i < count; i++) {
    struct task t;
    if (task_read(found[i].pid, &t) ? t.parent == found[i].parent : is_hidden(found[i].pid, &t)) visit(&t, context);
  }
  return true;
}

static bool hides = true;

/* Whether a /proc hides anything: the cost of looking is spared where none does. */
void lists_setup(void) {
  FILE *mounts = fopen("/proc/self/mounts", "re");
  char *line = NULL;
  size_t size = 0;
  if (!mounts) return;
  hides = false;
  while (getline(&line, &size, mounts) > 0) hides |= strstr(line, "hidepid=") != NULL;
  free(line);
  fclose(mounts);
}

static bool was_found(const struct entry_of_list *before, size_t n, pid_t pid, pid_t parent) {
  for (size_t i = 0; i < n; i++) {
    if (before[i].pid == pid && before[i].parent == parent) return true;
  }
  return false;
}

static void find_all(void) {
  count = 0;
  (void)add_children_of_threads(getpid());
  for (size_t i = 0; i < count && count < ROOM; i++) (void)add_children_of_threads(found[i].pid);
}

/* Visits what the walk over /proc does not see: a /proc that was mounted with hidepid hides from another user than root
 * also processes of its own that may not be traced (an unreadable program, PR_SET_DUMPABLE). The kernel lists them
 * among their parents' children all the same. Twice, so that no pid was used again meanwhile. */
void visit_hidden(void (*visit)(const struct task *t, void *context), void *context) {
  static struct entry_of_list before[ROOM];
  if (!hides) return;
  find_all();
  size_t n = count;
  memcpy(before, found, n * sizeof *before);
  bool any = false;
  struct task t;
  for (size_t i = 0; i < n && !any; i++) any = !task_read(before[i].pid, &t);
  if (!any) return;
  find_all();
  for (size_t i = 0; i < count; i++) {
    const struct entry_of_list e = found[i];
    if (!was_found(before, n, e.pid, e.parent) || task_read(e.pid, &t) || kill(e.pid, 0) < 0) continue;
    t = (struct task){.pid = e.pid, .parent = e.parent, .alive = true, .hidden = true, .name = "(hidden)"};
    visit(&t, context);
  }
}
