#include <string.h>
#include <unistd.h>

#include "guard.h"

static char files[WITHDRAW_FILES][PATH_MAX];
static size_t count;

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

void withdraw_now(void) {
  for (size_t i = 0; i < count; i++) unlink(files[i]);
}
