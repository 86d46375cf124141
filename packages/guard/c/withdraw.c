#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "guard.h"

/* Files that must not outlive what was started. A thread unlinks them: their file system may be frozen, or its server
 * gone, and killing waits for neither. It is there from the start, as a kill takes no memory. */

enum { STACK = 128 * 1024 };

static char files[WITHDRAW_FILES][PATH_MAX];
static size_t count;

static struct {
  char files[WITHDRAW_FILES][PATH_MAX];
  size_t count;
} job; /* the thread's while it is busy */
static atomic_bool busy;
static bool again;
static int begin = -1, done = -1;

/* Takes the place of the former list. False: more files than there is room for, or a path that is none. */
bool withdraw_set(struct cursor *paths) {
  size_t n = 0;
  while (!paths->bad && paths->at < paths->end) {
    const char *path = take_string(paths);
    if (paths->bad || n == WITHDRAW_FILES || path[0] != '/' || strlen(path) >= PATH_MAX) return false;
    strcpy(files[n++], path);
  }
  count = n;
  return !paths->bad;
}

static void *unlink_all(void *none) {
  uint64_t word;
  while (read(begin, &word, sizeof word) == sizeof word) {
    for (size_t i = 0; i < job.count; i++) unlink(job.files[i]);
    atomic_store(&busy, false);
    word = 1;
    if (write(done, &word, sizeof word) < 0) break;
  }
  return none;
}

/* For the process that calls it, not for what it forks. Returns a descriptor that can be read when files are gone, or -1. */
int withdraw_setup(void) {
  pthread_t thread;
  pthread_attr_t small;
  begin = eventfd(0, EFD_CLOEXEC);
  done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (begin < 0 || done < 0 || pthread_attr_init(&small) != 0) return -1;
  bool ok = pthread_attr_setstacksize(&small, STACK) == 0 && pthread_create(&thread, &small, unlink_all, NULL) == 0;
  pthread_attr_destroy(&small);
  return ok ? done : -1;
}

void withdraw_begin(void) {
  uint64_t word = 1;
  again = atomic_load(&busy);
  if (again || count == 0) return;
  memcpy(job.files, files, sizeof files);
  job.count = count;
  atomic_store(&busy, true);
  (void)!write(begin, &word, sizeof word);
}

/* Whether all that was begun is done. */
bool withdraw_done(void) {
  uint64_t word;
  (void)!read(done, &word, sizeof word);
  if (!atomic_load(&busy) && again) withdraw_begin();
  return !atomic_load(&busy);
}
