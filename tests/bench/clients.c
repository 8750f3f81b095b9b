/* 16 clients, each of which sends one request after another, on a new connection each, as fast as it is answered.
 *
 * usage: clients scgi|http PORT PATH GENERATION
 *
 * Prints one line a request: when it began (before connect) and ended (end of file) in nanoseconds of CLOCK_MONOTONIC,
 * and the generation that its page names, 0 for a request that failed. Ends when GENERATION, which a reload is about to
 * bring, has answered and no older one has for 300 ms; in any case after 30 seconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { kClients = 16, kMostRequests = 200000 };

typedef struct {
  int64_t begun, ended;
  int generation;
} Request;

static Request* requests[kClients];
static size_t counts[kClients];
static struct sockaddr_in server = {.sin_family = AF_INET};
static char head[500];
static size_t head_size;
static int new_generation;
static _Atomic int64_t last_old, first_new;
static atomic_bool over;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* Says so for the first few. */
static int failed(const char* what, const char* why) {
  static atomic_int times;
  if (times++ < 5) {
    fprintf(stderr, "clients: a request to port %d failed: %s: %.30s\n", ntohs(server.sin_port), what, why);
  }
  return 0;
}

/* The generation that answers, 0 without a whole answer. */
static int ask(int connection) {
  static const struct timeval patience = {.tv_sec = 10};
  setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (connect(connection, (struct sockaddr*)&server, sizeof server) != 0) return failed("connect", strerror(errno));
  if (send(connection, head, head_size, MSG_NOSIGNAL) != (ssize_t)head_size) return failed("send", strerror(errno));
  char answer[2000];
  size_t size = 0;
  ssize_t piece;
  while ((piece = recv(connection, answer + size, sizeof answer - 1 - size, 0)) > 0) size += (size_t)piece;
  if (piece < 0) return failed("recv", strerror(errno));
  answer[size] = '\0';
  /* Also what has no status line: CGI's default is 200, and a failure's page names no generation. */
  const char* page = strstr(answer, "\r\n\r\ngeneration ");
  if (page == NULL || answer[size - 1] != '\n') return failed("answer", size > 0 ? answer : "empty");
  return atoi(page + strlen("\r\n\r\ngeneration "));
}

static void* be_client(void* number) {
  Request* const mine = requests[(size_t)number];
  size_t count = 0;
  while (!over && count < kMostRequests) {
    Request* const request = &mine[count++];
    request->begun = now();
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    request->generation = ask(connection);
    request->ended = now();
    close(connection);
    if (request->generation == new_generation) {
      int64_t none = 0;
      atomic_compare_exchange_strong(&first_new, &none, request->ended);
    } else if (request->generation != 0) {
      last_old = request->ended;
    }
  }
  counts[(size_t)number] = count;
  return NULL;
}

static void write_head(const char* protocol, const char* path) {
  if (strcmp(protocol, "http") == 0) {
    head_size = (size_t)snprintf(head, sizeof head, "GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n", path);
    return;
  }
  /* '|' stands for the zero bytes, which would end the text. */
  char fields[400];
  const int size = snprintf(fields, sizeof fields,
                            "CONTENT_LENGTH|0|SCGI|1|REQUEST_METHOD|GET|REQUEST_URI|%s|PATH_INFO|%s|QUERY_STRING||"
                            "SERVER_PROTOCOL|HTTP/1.0|HTTP_HOST|localhost|",
                            path, path);
  head_size = (size_t)snprintf(head, sizeof head, "%d:%s,", size, fields);
  for (size_t i = 0; i < head_size; ++i) {
    if (head[i] == '|') head[i] = '\0';
  }
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  server.sin_port = htons((uint16_t)atoi(argv[2]));
  write_head(argv[1], argv[3]);
  new_generation = atoi(argv[4]);
  pthread_t clients[kClients];
  for (size_t i = 0; i < kClients; ++i) {
    requests[i] = calloc(kMostRequests, sizeof(Request));
    if (requests[i] == NULL || pthread_create(&clients[i], NULL, be_client, (void*)i) != 0) return 1;
  }
  const int64_t second = 1000000000, deadline = now() + 30 * second, quiet = second * 3 / 10;
  while (now() < deadline && (first_new == 0 || now() < first_new + quiet || now() < last_old + quiet)) usleep(10000);
  over = true;
  for (size_t i = 0; i < kClients; ++i) {
    pthread_join(clients[i], NULL);
    for (size_t k = 0; k < counts[i]; ++k) {
      const Request* request = &requests[i][k];
      printf("%lld %lld %d\n", (long long)request->begun, (long long)request->ended, request->generation);
    }
  }
  return 0;
}
