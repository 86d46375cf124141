/* msdha-guard --ask NAME SOCKET [ARGUMENT]... asks a server on a unix socket, as a command of the program NAME would
 * that lives in that server: the arguments go there, each with a NUL behind it, and an end of file; what comes back is
 * a byte, the exit code, and text, for the standard output where that code is 0 and for the standard error elsewhere.
 * Hooks call such commands while clients wait, and a Node of their own takes a hundred times as long to start. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "guard.h"

enum { PATIENCE_S = 60, NO_ANSWER = 1 };

static _Noreturn void give_up(const char *name, const char *path, const char *why) {
  fprintf(stderr, "%s: no node answers at %s: %s\n", name, path, why);
  _exit(NO_ANSWER);
}

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  strcpy(address.sun_path, path);
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval patience = {.tv_sec = PATIENCE_S};
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0) return -1;
  return connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : fd;
}

static bool write_all(int fd, const char *data, size_t len) {
  while (len > 0) {
    ssize_t n = write(fd, data, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data += n;
    len -= (size_t)n;
  }
  return true;
}

static ssize_t read_some(int fd, char *data, size_t len) {
  ssize_t n;
  do n = read(fd, data, len);
  while (n < 0 && errno == EINTR);
  return n;
}

int ask(const char *name, const char *path, char **argv) {
  int fd = connect_to(path);
  if (fd < 0) give_up(name, path, strerror(errno));
  /* A server that has enough may close before it has read all; what it says then is still worth reading. */
  for (; *argv && send(fd, *argv, strlen(*argv) + 1, MSG_NOSIGNAL) >= 0; argv++) continue;
  shutdown(fd, SHUT_WR);

  unsigned char code;
  ssize_t n = read_some(fd, (char *)&code, 1);
  if (n < 0) give_up(name, path, errno == EAGAIN ? "it takes too long" : strerror(errno));
  if (n == 0) give_up(name, path, "it has ended");
  int out = code == 0 ? STDOUT_FILENO : STDERR_FILENO;
  char text[4096];
  while ((n = read_some(fd, text, sizeof text)) > 0) {
    if (!write_all(out, text, (size_t)n)) return NO_ANSWER;
  }
  if (n < 0) give_up(name, path, strerror(errno));
  return code;
}
