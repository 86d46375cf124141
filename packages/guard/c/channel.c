#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "guard.h"

/* What is always there: a command and some reports pass also when there is no memory. */
enum { ALWAYS = 16 * 1024, CHUNK = 8 * 1024, REPORT_HEAD = 32 };

static bool bytes_room(struct bytes *b, size_t more) {
  if (b->start && (b->len == 0 || b->start + b->len + more > b->cap)) {
    memmove(b->data, b->data + b->start, b->len);
    b->start = 0;
  }
  if (b->len + more <= b->cap) return true;
  size_t cap = b->len + more > 2 * b->cap ? b->len + more : 2 * b->cap;
  uint8_t *data = realloc(b->data, cap);
  if (!data) return false;
  b->data = data;
  b->cap = cap;
  return true;
}

static bool bytes_add(struct bytes *b, const void *data, size_t len) {
  if (!bytes_room(b, len)) return false;
  if (len) memcpy(b->data + b->start + b->len, data, len);
  b->len += len;
  return true;
}

static void bytes_take(struct bytes *b, size_t len) {
  b->start += len;
  b->len -= len;
}

static void bytes_drop(struct bytes *b, size_t len) {
  bytes_take(b, len);
  if (b->len) return;
  b->start = 0;
  if (b->cap <= OUTPUT_LIMIT) return;
  uint8_t *data = realloc(b->data, ALWAYS); /* do not keep what one long command or a slow reader needed */
  if (!data) return;
  b->data = data;
  b->cap = ALWAYS;
}

bool channel_setup(struct channel *c) {
  return bytes_room(&c->in, ALWAYS) && bytes_room(&c->out, ALWAYS);
}

/* Whether there is, or can be had, memory for a report of so many bytes. */
bool channel_room(struct channel *c, size_t len) {
  return bytes_room(&c->out, len + REPORT_HEAD);
}

/* Takes what has come; false: nothing came (for now, or for ever: eof). */
bool channel_receive(struct channel *c) {
  if (c->eof) return false;
  if (c->in.len == 0) bytes_drop(&c->in, 0);
  if (!bytes_room(&c->in, CHUNK)) {
    c->eof = true;
    return false;
  }
  ssize_t n = recv(c->fd, c->in.data + c->in.start + c->in.len, CHUNK, MSG_DONTWAIT);
  if (n > 0) {
    c->in.len += (size_t)n;
    return true;
  }
  if (n == 0 || (errno != EAGAIN && errno != EINTR)) c->eof = true;
  return false;
}

/* The next whole frame. Its payload stays where it is until channel_receive is called again. */
bool channel_next(struct channel *c, uint8_t *type, struct cursor *payload, bool *broken) {
  uint32_t len;
  const uint8_t *start = c->in.data + c->in.start;
  if (c->in.len < sizeof len) return false;
  memcpy(&len, start, sizeof len);
  *broken = len < 1 || len > FRAME_LIMIT;
  if (*broken || c->in.len - sizeof len < len) return false;
  *type = start[sizeof len];
  *payload = (struct cursor){.at = start + sizeof len + 1, .end = start + sizeof len + len};
  bytes_take(&c->in, sizeof len + len);
  return true;
}

void channel_flush(struct channel *c) {
  while (c->out.len && !c->dead) {
    ssize_t n = send(c->fd, c->out.data + c->out.start, c->out.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) bytes_drop(&c->out, (size_t)n);
    else if (errno == EAGAIN) return;
    else if (errno != EINTR) c->dead = c->eof = true;
  }
  if (c->dead) c->out.len = 0;
}

static bool add_fields(struct bytes *out, const char *format, va_list fields) {
  bool ok = true;
  for (; *format; format++) {
    if (*format == 'u') {
      uint8_t value = (uint8_t)va_arg(fields, unsigned);
      ok &= bytes_add(out, &value, sizeof value);
    } else if (*format == 'w') {
      uint32_t value = va_arg(fields, uint32_t);
      ok &= bytes_add(out, &value, sizeof value);
    } else if (*format == 'q') {
      int64_t value = va_arg(fields, int64_t);
      ok &= bytes_add(out, &value, sizeof value);
    } else if (*format == 's') {
      const char *value = va_arg(fields, const char *);
      ok &= bytes_add(out, value, strlen(value) + 1);
    } else {
      const void *value = va_arg(fields, const void *);
      ok &= bytes_add(out, value, va_arg(fields, size_t));
    }
  }
  return ok;
}

void report(struct channel *c, enum report type, const char *format, ...) {
  if (c->dead) return;
  uint32_t len = 0;
  uint8_t kind = (uint8_t)type;
  size_t before = c->out.len;
  va_list fields;
  va_start(fields, format);
  bool ok = bytes_add(&c->out, &len, sizeof len) && bytes_add(&c->out, &kind, 1) && add_fields(&c->out, format, fields);
  va_end(fields);
  if (!ok) {
    c->dead = c->eof = true;
    c->out.len = 0;
    return;
  }
  len = (uint32_t)(c->out.len - before - sizeof len);
  memcpy(c->out.data + c->out.start + before, &len, sizeof len);
}

static void take(struct cursor *c, void *to, size_t len) {
  memset(to, 0, len);
  if (c->bad || (size_t)(c->end - c->at) < len) {
    c->bad = true;
    return;
  }
  memcpy(to, c->at, len);
  c->at += len;
}

uint8_t take_u8(struct cursor *c) {
  uint8_t value;
  take(c, &value, sizeof value);
  return value;
}

uint32_t take_u32(struct cursor *c) {
  uint32_t value;
  take(c, &value, sizeof value);
  return value;
}

int64_t take_i64(struct cursor *c) {
  int64_t value;
  take(c, &value, sizeof value);
  return value;
}

char *take_string(struct cursor *c) {
  const uint8_t *start = c->at;
  const uint8_t *nul = c->bad || c->at == c->end ? NULL : memchr(c->at, 0, (size_t)(c->end - c->at));
  if (!nul) {
    c->bad = true;
    return NULL;
  }
  c->at = nul + 1;
  return (char *)(uintptr_t)start;
}
