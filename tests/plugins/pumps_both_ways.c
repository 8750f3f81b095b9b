/* Sends the body through a process of its own and the process's output to the client, all at once, without ever waiting
 * for one of them alone. The process writes HTTP_X_BEFORE bytes before it reads anything, then gives back what it
 * reads, and then, with HTTP_X_STAYS, does nothing for ever. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <forklift/plugin.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIECE = 16 * 1024 };

struct buffer {
  char bytes[PIECE];
  size_t size;
};

static void write_all(const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t n = write(1, bytes, size);
    if (n <= 0) _exit(1);
    bytes += n;
    size -= (size_t)n;
  }
}

static void be_the_process(long before, int stays) {
  static char piece[PIECE];
  memset(piece, 'w', sizeof piece);
  for (; before > 0; before -= PIECE) write_all(piece, before < PIECE ? (size_t)before : PIECE);
  for (ssize_t n; (n = read(0, piece, sizeof piece)) > 0;) write_all(piece, (size_t)n);
  while (stays) pause();
  _exit(0);
}

static void drop(struct buffer* buffer, size_t count) {
  buffer->size -= count;
  memmove(buffer->bytes, buffer->bytes + count, buffer->size);
}

/* One turn of each direction, as far as it goes without waiting. `in` and `out` are the pipes to and from the process,
 * -1 once they are closed. */
static int pump_body(forklift_body* body, struct buffer* buffer, int* in) {
  if (buffer->size == 0) {
    const int64_t n = body->try_read(body, buffer->bytes, PIECE);
    if (n == FORKLIFT_EAGAIN) return FORKLIFT_OK;
    if (n < 0) return (int)n;
    if (n == 0) {
      close(*in);
      *in = -1;
      return FORKLIFT_OK;
    }
    buffer->size = (size_t)n;
  }
  const ssize_t n = write(*in, buffer->bytes, buffer->size);
  if (n > 0) drop(buffer, (size_t)n);
  return n > 0 || errno == EAGAIN ? FORKLIFT_OK : FORKLIFT_EIO;
}

static int pump_page(forklift_out* to, struct buffer* buffer, int* out, int* has_flushed) {
  if (buffer->size == 0 && *out >= 0) {
    const ssize_t n = read(*out, buffer->bytes, PIECE);
    if (n > 0) buffer->size = (size_t)n;
    if (n == 0) {
      close(*out);
      *out = -1;
    }
  }
  while (buffer->size > 0) {
    *has_flushed = 0;
    const int64_t n = to->try_write(to, buffer->bytes, buffer->size);
    if (n == FORKLIFT_EAGAIN) return FORKLIFT_OK;
    if (n < 0) return (int)n;
    drop(buffer, (size_t)n);
  }
  const int flushed = to->try_flush(to);
  *has_flushed = flushed == FORKLIFT_OK;
  return flushed == FORKLIFT_EAGAIN ? FORKLIFT_OK : flushed;
}

static int pump(forklift_body* body, forklift_out* to, int* in, int* out) {
  static struct buffer there, back;
  there.size = back.size = 0;
  int has_flushed = 0;
  while (*out >= 0 || back.size > 0) {
    unsigned interest = 0;
    if (*in >= 0 && there.size == 0) interest |= FORKLIFT_WAIT_BODY;
    if (back.size > 0) interest |= FORKLIFT_WAIT_OUT;
    if (!has_flushed) interest |= FORKLIFT_WAIT_SENT;
    forklift_poll polls[] = {{there.size > 0 ? *in : -1, POLLOUT, 0}, {back.size == 0 ? *out : -1, POLLIN, 0}};
    const int ready = to->wait(to, interest, polls, 2, -1);
    if (ready < 0) return ready;
    if (ready & FORKLIFT_WAIT_GONE) return FORKLIFT_EGONE;
    if ((ready & FORKLIFT_WAIT_BODY) || polls[0].revents) {
      const int result = pump_body(body, &there, in);
      if (result != FORKLIFT_OK) return result;
    }
    if ((ready & (FORKLIFT_WAIT_OUT | FORKLIFT_WAIT_SENT)) || polls[1].revents) {
      const int result = pump_page(to, &back, out, &has_flushed);
      if (result != FORKLIFT_OK) return result;
    }
  }
  return FORKLIFT_OK;
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  (void)instance;
  int to[2], from[2];
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) return 1;
  const char* before = env->get(env, "HTTP_X_BEFORE", NULL);
  const pid_t child = fork();
  if (child == 0) {
    dup2(to[0], 0);
    dup2(from[1], 1);
    closefrom(3);
    be_the_process(before ? atol(before) : 0, env->get(env, "HTTP_X_STAYS", NULL) != NULL);
  }
  close(to[0]);
  close(from[1]);
  fcntl(to[1], F_SETFL, O_NONBLOCK);
  fcntl(from[0], F_SETFL, O_NONBLOCK);
  out->begin(out, 200, NULL, 0);
  const int result = pump(body, out, &to[1], &from[0]);
  if (result != FORKLIFT_OK) kill(child, SIGKILL);
  if (to[1] >= 0) close(to[1]);
  if (from[0] >= 0) close(from[0]);
  waitpid(child, NULL, 0);
  return result;
}

FORKLIFT_PLUGIN("pumps_both_ways", "1.0", .produce = produce);
