/* Does what HTTP_X_WRONG says, and writes to the log what each call has returned: `begin_twice: 0 -5`. Whatever that is,
 * it goes on as if nothing were wrong, and says that the response is complete. Without the variable it answers with
 * its pid. */
#include <forklift/plugin.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const forklift_header plain = {"Content-Type", "text/plain"};
static const forklift_header three_bytes = {"Content-Length", "3"};

typedef struct call {
  forklift_body *body;
  forklift_out *out;
  char results[200];
} call;

static void note(call *c, int64_t result) {
  const size_t used = strlen(c->results);
  snprintf(c->results + used, sizeof c->results - used, " %d", (int)result);
}
static void begin(call *c, const forklift_header *header) {
  note(c, c->out->begin(c->out, 200, header, 1));
}
static void write_text(call *c, const char *text) {
  note(c, c->out->write(c->out, text, strlen(text)));
}
static void flush(call *c) {
  note(c, c->out->flush(c->out));
}

static void begin_twice(call *c) {
  begin(c, &plain), begin(c, &plain), write_text(c, "page");
}
static void begin_behind_a_block(call *c) {
  write_text(c, "Content-Type: text/plain\n\npage"), begin(c, &plain);
}
static void write_before_begin(call *c) {
  write_text(c, "page"), begin(c, &plain), write_text(c, "page");
}
static void break_a_line(call *c) {
  const forklift_header split = {"X-Split", "a\r\nSet-Cookie: b"};
  begin(c, &split), write_text(c, "page");
}
static void break_a_line_with_cr(call *c) {
  const forklift_header split = {"X-Split", "a\rb"};
  begin(c, &split), write_text(c, "page");
}
static void write_minus_one(call *c) {
  begin(c, &plain), note(c, c->out->write(c->out, "page", (size_t)-1)), write_text(c, "page");
}
static void read_minus_one(call *c) {
  char buffer[10];
  note(c, c->body->read(c->body, buffer, (size_t)-1)), begin(c, &plain);
}
static void read_into_nothing(call *c) {
  note(c, c->body->try_read(c->body, NULL, 1)), begin(c, &plain);
}
static void read_on_behind_the_end(call *c) {
  char buffer[10];
  for (int i = 0; i < 4; ++i) note(c, c->body->read(c->body, buffer, sizeof buffer));
  begin(c, &plain), write_text(c, "page");
}
static void wait_for_unknown(call *c) {
  note(c, c->out->wait(c->out, FORKLIFT_WAIT_OUT | 1024, NULL, 0, 0)), begin(c, &plain);
}
static void wait_for_too_many(call *c) {
  forklift_poll polls[65];
  for (size_t i = 0; i < 65; ++i) polls[i] = (forklift_poll){-1, 0, 0};
  note(c, c->out->wait(c->out, 0, polls, 65, 0)), begin(c, &plain);
}
static void promise_less(call *c) {
  begin(c, &three_bytes), write_text(c, "abcd"), write_text(c, "e");
}
static void promise_less_and_flush(call *c) {
  begin(c, &three_bytes), write_text(c, "ab"), flush(c), write_text(c, "cd");
}
static void promise_more(call *c) {
  begin(c, &three_bytes), write_text(c, "ab");
}
static void promise_more_and_flush(call *c) {
  begin(c, &three_bytes), write_text(c, "ab"), flush(c);
}
static void flush_before_begin(call *c) {
  flush(c), begin(c, &plain);
}
static void send_what_is_not_there(call *c) {
  begin(c, &plain), note(c, c->out->send_file(c->out, -1, 0, 1));
}
static void write_to_nobody(call *c) {
  begin(c, &plain), flush(c);
  note(c, c->out->wait(c->out, 0, NULL, 0, -1));
  write_text(c, "page"), flush(c), write_text(c, "page");
}

static const struct {
  const char *name;
  void (*run)(call *c);
} deeds[] = {
    {"begin_twice", begin_twice},
    {"begin_behind_a_block", begin_behind_a_block},
    {"write_before_begin", write_before_begin},
    {"break_a_line", break_a_line},
    {"break_a_line_with_cr", break_a_line_with_cr},
    {"write_minus_one", write_minus_one},
    {"read_minus_one", read_minus_one},
    {"read_into_nothing", read_into_nothing},
    {"read_on_behind_the_end", read_on_behind_the_end},
    {"wait_for_unknown", wait_for_unknown},
    {"wait_for_too_many", wait_for_too_many},
    {"promise_less", promise_less},
    {"promise_less_and_flush", promise_less_and_flush},
    {"promise_more", promise_more},
    {"promise_more_and_flush", promise_more_and_flush},
    {"flush_before_begin", flush_before_begin},
    {"send_what_is_not_there", send_what_is_not_there},
    {"write_to_nobody", write_to_nobody},
};

static int create(const forklift_host *host, void **instance) {
  *instance = (void *)host;
  return 0;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  const forklift_host *host = instance;
  const char *name = env->get(env, "HTTP_X_WRONG", NULL);
  for (size_t i = 0; name != NULL && i < sizeof deeds / sizeof *deeds; ++i) {
    if (strcmp(name, deeds[i].name) != 0) continue;
    call c = {body, out, ""};
    deeds[i].run(&c);
    char line[300];
    snprintf(line, sizeof line, "%s:%s", name, c.results);
    host->log(host, FORKLIFT_LOG_INFO, line);
    return 0;
  }
  char page[100];
  snprintf(page, sizeof page, "Content-Type: text/plain\n\n%d\n", (int)getpid());
  return out->write(out, page, strlen(page));
}

FORKLIFT_PLUGIN("uses_the_api_wrongly", "1.0", .create = create, .produce = produce);
