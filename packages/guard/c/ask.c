/* msdha-guard --ask NAME SOCKET [ARGUMENT]... asks a server on a unix socket, as a command of the program NAME would
 * that lives in that server: the arguments go there, each with a NUL behind it, and an end of file; what comes back is
 * a byte, the exit code, and text, for the standard output where that code is 0 and for the standard error elsewhere.
 * Hooks call such commands while clients wait, and a Node of their own takes a hundred times as long to start.
 *
 * msdha-guard --call NAME SOCKET [ARGUMENT]... asks the same way for what may take as long as it likes. This process's
 * id goes before the arguments: the server may read the environment of who asks. A byte 255 comes before a piece of text
 * for the standard error that ends with a NUL; after it comes such a byte again, or the exit code. Where nothing listens
 * on the socket it says nothing and ends with code 75, so that the caller can start the server. Where the server ends before
 * the exit code has come it says nothing either and ends with code 76: what was asked for may have been done, or not.
 *
 * msdha-guard --call-or COMMAND NAME SOCKET [ARGUMENT]... does the same, but executes COMMAND with the code, 75 or 76, and the
 * arguments in these cases: who calls need not stay for that. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guard.h"

#ifndef PATIENCE_S
#define PATIENCE_S 60 /* from the connection to the last byte of the answer; a test takes less */
#endif
enum { NO_ANSWER = 1, NO_SERVER = 75, SERVER_ENDED = 76, MORE = 255 };

static _Noreturn void give_up(const char *name, const char *path, const char *why) {
  fprintf(stderr, "%s: no node answers at %s: %s\n", name, path, why);
  _exit(NO_ANSWER);
}

static char too_long[512];
static int64_t until; /* ns; 0: without end */

static void out_of_patience(int signal) {
  (void)signal;
  ssize_t ignored = write(STDERR_FILENO, too_long, strlen(too_long));
  (void)ignored;
  _exit(NO_ANSWER);
}

/* Ends this process when the time is over, whatever it waits for by then. */
static void be_patient(const char *name, const char *path) {
  snprintf(too_long, sizeof too_long, "%s: no node answers at %s: it takes too long\n", name, path);
  struct sigaction action = {.sa_handler = out_of_patience};
  sigset_t alarm_alone;
  sigemptyset(&alarm_alone);
  sigaddset(&alarm_alone, SIGALRM);
  sigaction(SIGALRM, &action, NULL);
  sigprocmask(SIG_UNBLOCK, &alarm_alone, NULL);
  until = boot_ns() + PATIENCE_S * 1000 * MS;
  alarm(PATIENCE_S);
}

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  return connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}

static bool write_blindly(int fd, const char *data, size_t len) {
  while (len > 0) {
    ssize_t n = write(fd, data, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data += n;
    len -= (size_t)n;
  }
  return true;
}

/* Whoever reads what is written may take any time, which does not count. */
static bool write_all(int fd, const char *data, size_t len) {
  int64_t from = boot_ns();
  alarm(0);
  bool ok = write_blindly(fd, data, len);
  if (!until) return ok;
  int64_t now = boot_ns();
  until += now - from;
  if (until <= now) out_of_patience(SIGALRM);
  alarm((unsigned)((until - now + 1000 * MS - 1) / (1000 * MS)));
  return ok;
}

static ssize_t read_some(int fd, char *data, size_t len) {
  ssize_t n;
  do n = read(fd, data, len);
  while (n < 0 && errno == EINTR);
  return n;
}

static void send_words(int fd, char **argv) {
  /* A server that has enough may close before it has read all; what it says then is still worth reading. */
  for (; *argv && send(fd, *argv, strlen(*argv) + 1, MSG_NOSIGNAL) >= 0; argv++) continue;
}

/* Copies what comes to the standard error, up to a NUL or the end. What came behind the NUL is left in `text`. */
static ssize_t relay_more(int fd, char *text, size_t room, ssize_t len) {
  for (;;) {
    char *end = memchr(text, 0, (size_t)len);
    size_t piece = end ? (size_t)(end - text) : (size_t)len;
    (void)write_all(STDERR_FILENO, text, piece);
    if (end) {
      len -= (ssize_t)piece + 1;
      memmove(text, end + 1, (size_t)len);
      return len;
    }
    if ((len = read_some(fd, text, room)) <= 0) return -1;
  }
}

/* Reads the exit code and what belongs to it. With `pieces` the server's end before that is SERVER_ENDED. */
static int relay_answer(const char *name, const char *path, int fd, bool pieces) {
  char text[4096];
  ssize_t n = 0;
  for (;;) {
    if (n == 0) n = read_some(fd, text, sizeof text);
    if (n <= 0 && pieces) return SERVER_ENDED;
    if (n < 0) give_up(name, path, strerror(errno));
    if (n == 0) give_up(name, path, "it has ended");
    unsigned char code = (unsigned char)text[0];
    memmove(text, text + 1, (size_t)--n);
    if (pieces && code == MORE) {
      if ((n = relay_more(fd, text, sizeof text, n)) < 0) return SERVER_ENDED;
      continue;
    }
    int out = code == 0 ? STDOUT_FILENO : STDERR_FILENO;
    do {
      if (!write_all(out, text, (size_t)n)) return NO_ANSWER;
    } while ((n = read_some(fd, text, sizeof text)) > 0);
    if (n < 0) give_up(name, path, strerror(errno));
    return code;
  }
}

int ask(const char *name, const char *path, char **argv) {
  be_patient(name, path);
  int fd = connect_to(path);
  if (fd < 0) give_up(name, path, strerror(errno));
  send_words(fd, argv);
  shutdown(fd, SHUT_WR);
  return relay_answer(name, path, fd, false);
}

static int call_server(const char *name, const char *path, char **argv) {
  int fd = connect_to(path);
  if (fd < 0) return NO_SERVER;
  char self[16], *first[] = {self, NULL};
  snprintf(self, sizeof self, "%d", (int)getpid());
  send_words(fd, first);
  send_words(fd, argv);
  shutdown(fd, SHUT_WR);
  int code = relay_answer(name, path, fd, true);
  close(fd);
  return code;
}

/* The name and the path come right before the arguments: there is room for the other command and its first argument. */
int call(char *otherwise, const char *name, const char *path, char **argv) {
  int code = call_server(name, path, argv);
  if (!otherwise || (code != NO_SERVER && code != SERVER_ENDED)) return code;
  char number[16];
  snprintf(number, sizeof number, "%d", code);
  argv[-2] = otherwise;
  argv[-1] = number;
  execv(otherwise, argv - 2);
  give_up(name, otherwise, strerror(errno));
}
