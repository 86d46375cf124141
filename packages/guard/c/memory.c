#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "guard.h"

/* More than the longest command, what becomes of it, and the output that is kept. */
#define PLENTY_TO_LOCK (64 * 1024 * 1024)

/* Not to wait for swap when it counts. It may be forbidden. Where little may be locked, memory that is taken later is
 * not locked, as it could not be had at all otherwise. */
enum locked lock_memory(void) {
  struct rlimit limit;
  bool plenty = getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= PLENTY_TO_LOCK;
  if ((plenty || geteuid() == 0) && mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return LOCKED_ALL;
  return mlockall(MCL_CURRENT) == 0 ? LOCKED_START : LOCKED_NOTHING;
}
