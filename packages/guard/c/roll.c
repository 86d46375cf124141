#include <string.h>

#include "guard.h"

static void add(struct roll_entry *some, uint32_t *count, struct roll_entry entry) {
  if (*count < ROLL_NAMES) some[*count] = entry;
  *count += 1;
}

/* `error` is why a process could not be reached, or 0. */
void roll_add(struct roll *r, pid_t pid, const char *name, int error) {
  struct roll_entry entry = {.pid = pid, .error = error};
  bool room = (error ? r->denied : r->reached) < ROLL_NAMES;
  if (room) entry.user = task_user(pid);
  if (room) memcpy(entry.name, name, sizeof entry.name);
  if (error) add(r->denied_some, &r->denied, entry);
  else add(r->reached_some, &r->reached, entry);
}

bool roll_same_denied(const struct roll *a, const struct roll *b) {
  if (a->denied != b->denied) return false;
  for (uint32_t i = 0; i < a->denied && i < ROLL_NAMES; i++) {
    if (a->denied_some[i].pid != b->denied_some[i].pid) return false;
  }
  return true;
}

static uint8_t *pack(uint8_t *to, const struct roll_entry *some, uint32_t count) {
  for (uint32_t i = 0; i < count && i < ROLL_NAMES; i++) {
    int32_t fields[3] = {some[i].pid, (int32_t)some[i].user, some[i].error};
    memcpy(to, fields, sizeof fields);
    to += sizeof fields;
    size_t name = strnlen(some[i].name, TASK_NAME - 1);
    memcpy(to, some[i].name, name);
    to[name] = 0;
    to += name + 1;
  }
  return to;
}

const void *roll_pack(const struct roll *r, size_t *len) {
  static uint8_t packed[2 * sizeof(uint32_t) + 2 * ROLL_NAMES * (3 * sizeof(int32_t) + TASK_NAME)];
  uint32_t counts[2] = {r->reached, r->denied};
  memcpy(packed, counts, sizeof counts);
  uint8_t *end = pack(packed + sizeof counts, r->reached_some, r->reached);
  end = pack(end, r->denied_some, r->denied);
  *len = (size_t)(end - packed);
  return packed;
}
