/* msdha-guard [--no-new-privs] [LOCK-FILE WAIT-MS]
 * msdha-guard --is-free LOCK-FILE
 * msdha-guard --init PROGRAM [ARGUMENT]... (see init.c)
 * msdha-guard --ask NAME SOCKET [ARGUMENT]... (see ask.c)
 * msdha-guard --call NAME SOCKET [ARGUMENT]... and --call-or COMMAND NAME SOCKET [ARGUMENT]... (see ask.c)
 *
 * Two processes between a supervisor and everything that it starts, so that none of it outlives the supervisor, the
 * deadline, or either of the two. The supervisor holds a socket to each: descriptor 3 is the inner one's, 4 the outer
 * one's. The inner one is the parent of what is started. Both are child subreapers: what loses its parent, however it
 * was started, becomes a child of the inner one, and when that is killed, of the outer one. So "waitpid knows no more
 * children" means that nothing is left, which no look at process lists could prove. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"

enum { INNER_CHANNEL = 3, OUTER_CHANNEL = 4, FIRST_FOREIGN = 5 };
/* Where scripts do not look for a descriptor of their own: `exec 9>file` would give the lock away. */
#define LOCK_FD 100
#define LOCK_LOOK_MS 20

static struct guard guard = {.chan = {.fd = OUTER_CHANNEL}, .outer_alive = -1, .lock = -1};

static _Noreturn void fail(const char *what, int error, bool busy) {
  report(&guard.chan, REP_START_FAILED, "wus", (uint32_t)error, (unsigned)busy, what);
  channel_flush(&guard.chan);
  _exit(1);
}

static void check(bool ok, const char *what) {
  if (!ok) fail(what, errno, false);
}

static bool is_socket(int fd) {
  struct stat s;
  return fstat(fd, &s) == 0 && S_ISSOCK(s.st_mode);
}

static void close_foreign(void) {
  if (syscall(SYS_close_range, FIRST_FOREIGN, ~0U, 0) == 0) return;
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  for (rlim_t fd = FIRST_FOREIGN; fd < limit.rlim_cur && fd < 65536; fd++) close((int)fd);
}

/* None of them ends or stops a guard (but SIGKILL and SIGSTOP); SIGCHLD is read from a descriptor. */
static void block_signals(void) {
  sigset_t all;
  /* An inherited SIG_IGN of SIGCHLD would hide children. Not by signal(), which leaves out those of the C library. */
  const unsigned long by_default[8] = {0};
  for (int s = 1; s <= SIGRTMAX; s++) syscall(SYS_rt_sigaction, s, by_default, NULL, sizeof(unsigned long));
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
}

static void check_proc(void) {
  char link[32] = {0}, self[32];
  snprintf(self, sizeof self, "%d", (int)getpid());
  bool ours = readlink("/proc/self", link, sizeof link - 1) > 0 && strcmp(link, self) == 0;
  if (!ours) fail("/proc is missing or shows another pid namespace", ENOENT, false);
}

static void wait_ms(int ms) {
  struct pollfd closed = {OUTER_CHANNEL, POLLIN, 0};
  if (poll(&closed, 1, ms) > 0 && (closed.revents & (POLLIN | POLLHUP | POLLERR))) _exit(1);
}

/* The lock stays with whoever inherits the descriptor: it is free only when all of a run is gone. */
static void take_lock(const char *path, int64_t wait_ns) {
  int64_t until = boot_ns() + wait_ns;
  /* Another user who may write to the folder must not lead us to a file elsewhere, or to a pipe. */
  int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
  check(fd >= 0, "opening the lock file");
  struct stat ours, named;
  check(fstat(fd, &ours) == 0, "looking at the lock file");
  if (!S_ISREG(ours.st_mode)) fail("the lock file is no plain file", EINVAL, false);
  while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
    check(errno == EWOULDBLOCK || errno == EINTR, "locking the lock file");
    if (boot_ns() >= until) fail("locking the lock file", EWOULDBLOCK, true);
    wait_ms(LOCK_LOOK_MS);
  }
  if (lstat(path, &named) < 0 || named.st_ino != ours.st_ino || named.st_dev != ours.st_dev)
    fail("the lock file was replaced", ESTALE, false);
  guard.lock = fcntl(fd, F_DUPFD, LOCK_FD);
  check(guard.lock >= 0, "keeping the lock file");
  close(fd);
}

/* Whether nobody holds a lock file. A supervisor that lost both of the pair asks: what it may not look into holds it too. */
static int is_free(const char *path) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) == 0 ? 0 : 1;
}

/* What is opened next must not take the place of an input or output that the caller has closed. */
static void open_closed(void) {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
    if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) return;
  }
}

int main(int argc, char **argv) {
  open_closed();
  if (argc == 3 && strcmp(argv[1], "--is-free") == 0) return is_free(argv[2]);
  if (argc > 2 && strcmp(argv[1], "--init") == 0) run_as_init(argv + 2);
  if (argc > 3 && strcmp(argv[1], "--ask") == 0) return ask(argv[2], argv[3], argv + 4);
  if (argc > 3 && strcmp(argv[1], "--call") == 0) return call(NULL, argv[2], argv[3], argv + 4);
  if (argc > 4 && strcmp(argv[1], "--call-or") == 0) return call(argv[2], argv[3], argv[4], argv + 5);
  bool no_new_privs = argc > 1 && strcmp(argv[1], "--no-new-privs") == 0;
  if (no_new_privs) argc--, argv++;
  if ((argc != 1 && argc != 3) || !is_socket(INNER_CHANNEL) || !is_socket(OUTER_CHANNEL)) {
    fprintf(stderr, "msdha-guard is started by the package @msdha/guard, with sockets as descriptors 3 and 4\n");
    return 2;
  }
  setsid();
  block_signals();
  close_foreign();
  fcntl(INNER_CHANNEL, F_SETFD, FD_CLOEXEC);
  fcntl(OUTER_CHANNEL, F_SETFD, FD_CLOEXEC);
  check(chdir("/") == 0, "changing to /");
  check_proc();
  errno = 0;
  int nice_before = getpriority(PRIO_PROCESS, 0);
  if (argc == 3) take_lock(argv[1], atoll(argv[2]) * MS);
  check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "becoming a child subreaper");
  /* What is started inherits it: no setuid program makes it another user's, whom this process may not kill. */
  if (no_new_privs) check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "setting no_new_privs");
  (void)setpriority(PRIO_PROCESS, 0, -20); /* to get its turn among a thousand others; may be forbidden */

  int alive[2];
  check(pipe2(alive, O_CLOEXEC) == 0, "making a pipe");
  pid_t outer = getpid(), inner = fork();
  check(inner >= 0, "forking");
  if (inner > 0) {
    close(alive[0]);
    close(INNER_CHANNEL);
    guard.inner = inner;
  } else {
    close(alive[1]);
    close(OUTER_CHANNEL);
    guard.chan.fd = INNER_CHANNEL;
    guard.outer = outer;
    guard.outer_alive = alive[0];
    check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0, "becoming a child subreaper");
    processes_setup(nice_before);
  }
  serve(&guard);
}
