#include <fcntl.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"

/* Whether something may exist that was started, that /proc hides, and that may not be killed. */

static bool foreign = true;

static bool has(uint32_t set, int capability) {
  return set & (1U << capability);
}

/* What is started can become another user's by a setuid program or CAP_SETUID; with CAP_KILL that is no harm. */
void foreign_setup(void) {
  struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct set[2];
  if (syscall(SYS_capget, &head, set) < 0) return;
  bool no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
  foreign = !has(set[0].effective, CAP_KILL) && !(no_new_privs && !has(set[0].permitted, CAP_SETUID));
}

bool may_start_foreign(void) {
  return foreign;
}

/* Whether a /proc was mounted that hides anything. Not by the C library, which takes memory. */
bool proc_hides(void) {
  static const char option[] = "hidepid=";
  char text[1024];
  size_t kept = 0;
  bool hides = false;
  int fd = open("/proc/self/mounts", O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : 0;
  while (!hides && fd >= 0 && (n = read(fd, text + kept, sizeof text - 1 - kept)) > 0) {
    size_t len = kept + (size_t)n;
    text[len] = 0;
    hides = strstr(text, option) != NULL;
    kept = len < sizeof option ? len : sizeof option; /* it may have been cut in two */
    memmove(text, text + len - kept, kept);
  }
  if (fd >= 0) close(fd);
  return hides || n < 0;
}
