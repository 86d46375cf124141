#include <sys/timerfd.h>
#include <time.h>

#include "guard.h"

int64_t boot_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_BOOTTIME, &t);
  return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

/* A poll timeout would stand still while the machine is suspended; this timer fires right after it wakes. */
int boot_timer(void) {
  return timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
}

void boot_timer_set(int timer, int64_t at) {
  struct itimerspec t = {0};
  if (at != NO_DEADLINE) {
    if (at < 1) at = 1; /* zero would disarm it */
    t.it_value.tv_sec = at / (1000 * MS);
    t.it_value.tv_nsec = at % (1000 * MS);
  }
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &t, NULL);
}
