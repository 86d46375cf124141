#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"

/* A stop by steps: the program is asked to end first, and what it leaves behind when it ends is asked then. What has
 * lost its parent is a child of this process that was not started by command: the server of a wrapper that ended, a
 * daemon. Its own children are its own business, as they are under any init. */

enum { MEMORY = 1024 };

static struct {
  pid_t pid;
  unsigned long long started;
} signalled[MEMORY]; /* nobody is asked twice */
static unsigned count;

static bool once(const struct task *t) {
  for (unsigned i = 0; i < count && i < MEMORY; i++) {
    if (signalled[i].pid == t->pid && signalled[i].started == t->started) return false;
  }
  signalled[count % MEMORY].pid = t->pid;
  signalled[count++ % MEMORY].started = t->started;
  return true;
}

static bool was_started_by_command(const struct guard *g, pid_t pid) {
  for (const struct process *p = g->processes; p; p = p->next) {
    if (p->pid == pid && !p->exited) return true;
  }
  return false;
}

struct sweep {
  const struct guard *g;
  pid_t self;
};

/* A shell has what it starts in the background ignore SIGINT: what is left of a hook would not hear of the stop. */
static int signal_for(pid_t pid, int number) {
  return task_ignores(pid, number) ? SIGTERM : number;
}

static void visit(const struct task *t, void *context) {
  const struct sweep *s = context;
  bool orphan = t->parent == s->self && !was_started_by_command(s->g, t->pid);
  bool child = s->g->orphans_of && t->parent == s->g->orphans_of;
  if (t->alive && (orphan || child) && once(t)) {
    signal_task(t, signal_for(t->pid, s->g->orphan_signal));
    signal_task(t, SIGCONT);
  } else if (t->stopped || t->hidden) signal_task(t, SIGCONT); /* a part of one, which waits for it */
}

/* To be called again whenever something was reaped. */
void signal_orphans(const struct guard *g) {
  siginfo_t info;
  if (!g->orphan_signal || waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0) return; /* no child */
  struct sweep sweep = {.g = g, .self = getpid()};
  walk_descendants(visit, &sweep, atomic_load(g->deadline));
  visit_hidden(visit, &sweep);
}
