#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guard.h"

/* What a child tells before it ends without having executed anything. */
struct failure {
  uint8_t step;
  int32_t error;
};

static int dev_null;
static int nice_of_children;

void processes_setup(int old_nice) {
  dev_null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  nice_of_children = old_nice;
}

static void close_fd(int *fd) {
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* Keeps some descriptors back for killing, which reads /proc. */
static bool make_pipe(int ends[2]) {
  if (pipe2(ends, O_CLOEXEC) < 0) {
    ends[0] = ends[1] = -1;
    return false;
  }
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  if ((rlim_t)ends[1] + 16 < limit.rlim_cur) return true;
  close_fd(&ends[0]);
  close_fd(&ends[1]);
  errno = EMFILE;
  return false;
}

#define FIRST_LINE_BYTES 256

/* The kernel reads no more of a script: one whose interpreter's name goes on beyond is not for a shell. */
static bool names_too_long(const char *text, size_t n) {
  if (n < FIRST_LINE_BYTES || text[0] != '#' || text[1] != '!') return false;
  size_t at = 2;
  while (at < n && (text[at] == ' ' || text[at] == '\t')) at++;
  while (at < n && text[at] && text[at] != ' ' && text[at] != '\t' && text[at] != '\n') at++;
  return at == n;
}

/* As shells tell one from a program for another machine: no NUL in its first line. */
static bool looks_like_script(const char *file) {
  char text[FIRST_LINE_BYTES];
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (fd >= 0) close(fd);
  if (n < 0 || names_too_long(text, (size_t)n)) return false;
  const char *line_end = memchr(text, '\n', (size_t)n);
  return !memchr(text, 0, line_end ? (size_t)(line_end - text) : (size_t)n);
}

/* execvp has a shell take as a script whatever the kernel does not know. */
static void execute(const char *file, char **argv) {
  if (strchr(file, '/')) {
    execv(file, argv);
    if (errno != ENOEXEC) return;
    bool script = looks_like_script(file);
    errno = ENOEXEC;
    if (!script) return;
  }
  execvp(file, argv);
}

/* Between fork and exec. Everything that the guard has open closes at exec, but for the lock file. */
static _Noreturn void become(const struct spawn *what, pid_t guard, int out, int err, int result,
                             const _Atomic int64_t *deadline) {
  struct failure failure = {0};
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != guard) _exit(127);
  setpriority(PRIO_PROCESS, 0, nice_of_children);
  dup2(dev_null, 0);
  if (what->piped) {
    dup2(out, 1);
    dup2(err, 2);
  }
  failure.step = STEP_CWD;
  if (chdir(what->cwd) < 0) goto failed;
  environ = what->env;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
#ifdef DELAY_BEFORE_EXEC_MS
  poll(NULL, 0, DELAY_BEFORE_EXEC_MS); /* for a test, of what follows */
#endif
  /* The last thing before the program: whoever was frozen on the way here must not start it too late. */
  failure.step = STEP_PAST_DEADLINE;
  errno = 0;
  if (boot_ns() >= atomic_load(deadline)) goto failed;
  failure.step = STEP_EXEC;
  execute(what->file, what->argv);
failed:
  failure.error = errno;
  while (write(result, &failure, sizeof failure) < 0 && errno == EINTR) continue;
  _exit(127);
}

struct process *process_start(struct channel *c, const struct spawn *what, const _Atomic int64_t *deadline) {
  int result[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1};
  pid_t guard = getpid(), pid = -1;
  struct process *p = calloc(1, sizeof *p); /* before there is something that could not be kept in mind */
  if (!p) errno = ENOMEM;
  if (p && make_pipe(result) && (!what->piped || (make_pipe(out) && make_pipe(err)))) {
    pid = fork();
    if (pid == 0) become(what, guard, out[1], err[1], result[1], deadline);
  }
  int error = errno;
  close_fd(&result[1]);
  close_fd(&out[1]);
  close_fd(&err[1]);
  if (pid < 0) {
    close_fd(&result[0]);
    close_fd(&out[0]);
    close_fd(&err[0]);
    report(c, REP_FAILED, "wuw", what->id, (unsigned)STEP_FORK, (uint32_t)error);
    free(p);
    return NULL;
  }
  *p = (struct process){
      .id = what->id, .pid = pid, .exec_pipe = result[0], .out = {out[0], err[0]}, .piped = what->piped};
  fcntl(p->exec_pipe, F_SETFL, O_NONBLOCK);
  for (int i = 0; i < 2 && what->piped; i++) fcntl(p->out[i], F_SETFL, O_NONBLOCK);
  return p;
}

/* The pipe closes when the program is executed, and when the child is killed before. */
void process_exec_result(struct channel *c, struct process *p) {
  struct failure failure;
  if (p->exec_pipe < 0) return;
  ssize_t n = read(p->exec_pipe, &failure, sizeof failure);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  close_fd(&p->exec_pipe);
  if (n != sizeof failure) {
    report(c, REP_STARTED, "ww", p->id, (uint32_t)p->pid);
    return;
  }
  report(c, REP_FAILED, "wuw", p->id, (unsigned)failure.step, (uint32_t)failure.error);
  p->piped = false; /* nothing more is told of it; what remains is to reap it */
  close_fd(&p->out[0]);
  close_fd(&p->out[1]);
  p->id = 0;
}

static void end_output(struct channel *c, struct process *p, int stream) {
  close_fd(&p->out[stream]);
  if (p->out[0] >= 0 || p->out[1] >= 0 || !p->piped) return;
  p->piped = false;
  report(c, REP_OUTPUT_END, "w", p->id);
}

static ssize_t relay(struct channel *c, struct process *p, int stream, size_t most) {
  static uint8_t chunk[RELAY_CHUNK];
  if (!channel_room(c, most < sizeof chunk ? most : sizeof chunk)) {
    errno = EAGAIN; /* it stays in the pipe */
    return -1;
  }
  ssize_t n = read(p->out[stream], chunk, most < sizeof chunk ? most : sizeof chunk);
  if (n > 0) report(c, REP_OUTPUT, "wub", p->id, (unsigned)stream + 1, (const void *)chunk, (size_t)n);
  return n;
}

void process_relay(struct channel *c, struct process *p, int stream) {
  ssize_t n = relay(c, p, stream, SIZE_MAX);
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) return;
  process_exec_result(c, p); /* that it was started is told first; this may be known since the last look */
  if (p->out[stream] >= 0) end_output(c, p, stream);
}

/* What is in the pipes now, and no more: others may go on writing. */
void process_drain(struct channel *c, struct process *p) {
  for (int i = 0; i < 2; i++) {
    int left = 0;
    if (p->out[i] < 0 || ioctl(p->out[i], FIONREAD, &left) < 0) continue;
    for (ssize_t n; left > 0 && (n = relay(c, p, i, (size_t)left)) > 0;) left -= (int)n;
  }
}

/* Whatever a process itself wrote is told before its end is. */
void process_exited(struct channel *c, struct process *p, int status) {
  process_exec_result(c, p);
  process_drain(c, p);
  p->exited = true;
  if (!p->id) return;
  bool killed = WIFSIGNALED(status);
  report(c, REP_EXIT, "wuu", p->id, (unsigned)killed, (unsigned)(killed ? WTERMSIG(status) : WEXITSTATUS(status)));
}

/* Nothing will be told of it any more. */
bool process_over(const struct process *p) {
  return p->exited && p->exec_pipe < 0 && p->out[0] < 0 && p->out[1] < 0;
}
