/* Takes the connection itself and answers the request on it, as HTTP_X_DO in the head says. Without it, the page holds what
 * was given: how many bytes came along, and the request, head and body, byte by byte.
 *
 *   die          is killed, before the first byte
 *   die_late     is killed, after the first bytes
 *   fail         returns 7, before the first byte
 *   fail_late    the same, after the first bytes
 *   hang_late    never returns, after the first bytes
 *   close        closes the descriptor, before the first byte
 *   close_late   the same, after the page
 *   replace      puts another socket in its place, after the page
 *   nonblocking  sets O_NONBLOCK and a timeout, which it may not, and answers
 *   keep         keeps a duplicate until the worker ends, which it may not, and answers
 *   standard     closes 0, 1 and 2, and answers
 *   stream       writes without end, until it fails */
#define _GNU_SOURCE
#include <fcntl.h>
#include <forklift/plugin.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The value of a variable in an SCGI head, or "". */
static const char *variable(const char *head, size_t size, const char *name) {
  const char *at = memchr(head, ':', size);
  const char *const end = head + size;
  if (at == NULL) abort();
  for (++at; at < end && *at != ',';) {
    const char *value = at + strlen(at) + 1;
    if (strcmp(at, name) == 0) return value;
    at = value + strlen(value) + 1;
  }
  return "";
}

static int write_all(int fd, const char *data, size_t size) {
  while (size > 0) {
    const ssize_t n = send(fd, data, size, 0);
    if (n <= 0) return -1;
    data += n, size -= (size_t)n;
  }
  return 0;
}

/* Reads `size` bytes, and leaves the last one in the socket. */
static int read_all_but_one(int fd, char *buffer, size_t size) {
  while (size > 1) {
    const ssize_t n = recv(fd, buffer, size - 1, 0);
    if (n <= 0) return -1;
    buffer += n, size -= (size_t)n;
  }
  return size == 0 || recv(fd, buffer, 1, MSG_PEEK) == 1 ? 0 : -1;
}

static int answer(int fd, const char *head, size_t size) {
  const char *const comma = head + strtoul(head, NULL, 10) + strcspn(head, ":") + 1;
  const size_t head_bytes = (size_t)(comma - head) + 1;
  const size_t length = strtoul(variable(head, size, "CONTENT_LENGTH"), NULL, 10);
  if (size < head_bytes || *comma != ',' || size - head_bytes > length) return 2;

  char *request = malloc(head_bytes + length);
  if (request == NULL) return 3;
  memcpy(request, head, size);
  char title[200];
  snprintf(title, sizeof title, "Status: 201 Created\r\nContent-Type: application/octet-stream\r\n\r\n%zu along\n",
           size - head_bytes);
  const int failed = read_all_but_one(fd, request + size, head_bytes + length - size) != 0 ||
                     write_all(fd, title, strlen(title)) != 0 || write_all(fd, request, head_bytes + length) != 0;
  free(request);
  return failed;
}

static int stream(int fd) {
  static char dots[16 * 1024];
  static const char begin[] = "Status: 200 OK\r\n\r\n";
  int result = write_all(fd, begin, sizeof begin - 1);
  while (result == 0) result = write_all(fd, dots, sizeof dots);
  return result;
}

static void change_what_is_not_its_own(int fd) {
  const struct timeval timeout = {.tv_sec = 0, .tv_usec = 1000};
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

static int handle_connection(void *instance, int fd, const void *head, size_t size) {
  (void)instance;
  static const char half[] = "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\nhalf a page";
  const char *what = variable(head, size, "HTTP_X_DO");
  if (strcmp(what, "stream") == 0) return stream(fd);
  if (strcmp(what, "nonblocking") == 0) change_what_is_not_its_own(fd);
  if (strcmp(what, "keep") == 0 && fcntl(fd, F_DUPFD_CLOEXEC, 100) < 0) return 1;
  if (strcmp(what, "standard") == 0) close_range(0, 2, 0);
  const char *late = strstr(what, "_late");
  if (late != NULL && write_all(fd, half, sizeof half - 1) != 0) return 1;
  if (strncmp(what, "die", 3) == 0) raise(SIGKILL);
  if (strncmp(what, "fail", 4) == 0) return 7;
  while (strcmp(what, "hang_late") == 0) pause();
  if (strcmp(what, "close") == 0) return close(fd);
  const int result = late != NULL ? 0 : answer(fd, head, size);
  if (strcmp(what, "close_late") == 0) close(fd);
  if (strcmp(what, "replace") == 0) {
    const int other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (other < 0 || dup2(other, fd) != fd) return 1;
  }
  return result;
}

FORKLIFT_PLUGIN("speaks_for_itself", "1.0", .handle_connection = handle_connection);
