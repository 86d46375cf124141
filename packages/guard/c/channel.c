#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "guard.h"

/* A guard without memory ends; its partner then kills everything, which is the safe way out. */
void *need(void *memory) {
  if (!memory) abort();
  return memory;
}

static void bytes_room(struct bytes *b, size_t more) {
  if (b->start && (b->len == 0 || b->start + b->len + more > b->cap)) {
    memmove(b->data, b->data + b->start, b->len);
    b->start = 0;
  }
  if (b->len + more <= b->cap) return;
  b->cap = b->len + more > 2 * b->cap ? b->len + more : 2 * b->cap;
  b->data = need(realloc(b->data, b->cap));
}

static void bytes_add(struct bytes *b, const void *data, size_t len) {
  bytes_room(b, len);
  if (len) memcpy(b->data + b->start + b->len, data, len);
  b->len += len;
}

static void bytes_drop(struct bytes *b, size_t len) {
  b->start += len;
  b->len -= len;
  if (b->len || b->cap <= OUTPUT_LIMIT) return;
  free(b->data); /* do not keep what one long command or a slow reader needed */
  *b = (struct bytes){0};
}

/* Takes what has come; false: nothing came (for now, or for ever: eof). */
bool channel_receive(struct channel *c) {
  if (c->eof) return false;
  bytes_room(&c->in, 16 * 1024);
  ssize_t n = recv(c->fd, c->in.data + c->in.start + c->in.len, 16 * 1024, MSG_DONTWAIT);
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
  c->in.start += sizeof len + len;
  c->in.len -= sizeof len + len;
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

void report(struct channel *c, enum report type, const char *format, ...) {
  if (c->dead) return;
  uint32_t len = 0;
  uint8_t kind = (uint8_t)type;
  size_t before = c->out.len;
  bytes_add(&c->out, &len, sizeof len);
  bytes_add(&c->out, &kind, 1);
  va_list fields;
  va_start(fields, format);
  for (; *format; format++) {
    if (*format == 'u') {
      uint8_t value = (uint8_t)va_arg(fields, unsigned);
      bytes_add(&c->out, &value, sizeof value);
    } else if (*format == 'w') {
      uint32_t value = va_arg(fields, uint32_t);
      bytes_add(&c->out, &value, sizeof value);
    } else if (*format == 'q') {
      int64_t value = va_arg(fields, int64_t);
      bytes_add(&c->out, &value, sizeof value);
    } else if (*format == 's') {
      const char *value = va_arg(fields, const char *);
      bytes_add(&c->out, value, strlen(value) + 1);
    } else {
      const void *value = va_arg(fields, const void *);
      bytes_add(&c->out, value, va_arg(fields, size_t));
    }
  }
  va_end(fields);
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
