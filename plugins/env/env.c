/* A text page of the request's variables, for debugging: what does the front server really send?
 *
 *     settings: { order: sorted }     # by name (the default), or `arrival`
 *
 * It shows whatever arrives, cookies and authorization included, to whoever asks: not for the open internet. */
#include <forklift/plugin.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sorted[] = "sorted";
static const char arrival[] = "arrival";

/* The instance is the order, one of the two above: nothing to allocate, nothing to destroy. */
static int create(const forklift_host* host, void** instance) {
  const forklift_settings* settings = host->settings;
  const char* order = settings->get(settings, "order", NULL);
  if (settings->kind(settings, "order") == FORKLIFT_SETTING_NONE) order = sorted;

  if (order != NULL && strcmp(order, sorted) == 0) {
    *instance = (void*)sorted;
  } else if (order != NULL && strcmp(order, arrival) == 0) {
    *instance = (void*)arrival;
  } else {
    host->refuse(host, "order", "must be sorted or arrival");
    return FORKLIFT_EINVAL;
  }
  return FORKLIFT_OK;
}

static int by_name(const void* a, const void* b) {
  return strcmp(((const forklift_variable*)a)->name, ((const forklift_variable*)b)->name);
}

static int print(forklift_out* out, const char* text) {
  return out->write(out, text, strlen(text));
}

/* Writes a value on one line: control bytes and backslashes as \xNN. Bytes above 0x7f may be UTF-8 and stay. */
static int print_value(forklift_out* out, const char* value, size_t size) {
  size_t start = 0; /* of what is not written yet */
  for (size_t i = 0; i < size; ++i) {
    const unsigned char byte = (unsigned char)value[i];
    if (byte >= 0x20 && byte != 0x7f && byte != '\\') continue;
    char escaped[8];
    snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    int result = out->write(out, value + start, i - start);
    if (result == FORKLIFT_OK) result = print(out, escaped);
    if (result != FORKLIFT_OK) return result;
    start = i + 1;
  }
  return out->write(out, value + start, size - start);
}

static int print_page(forklift_out* out, const forklift_variable* variables, size_t count, uint64_t body_length) {
  /* nosniff: the values are the client's, and a browser that takes the page for HTML would run what is in them. */
  static const forklift_header headers[] = {{"Content-Type", "text/plain; charset=utf-8"},
                                            {"X-Content-Type-Options", "nosniff"}};
  int result = out->begin(out, 200, headers, sizeof headers / sizeof headers[0]);
  for (size_t i = 0; i < count && result == FORKLIFT_OK; ++i) {
    result = print(out, variables[i].name);
    if (result == FORKLIFT_OK) result = print(out, ": ");
    if (result == FORKLIFT_OK) result = print_value(out, variables[i].value, variables[i].value_size);
    if (result == FORKLIFT_OK) result = print(out, "\n");
  }
  if (result != FORKLIFT_OK) return result;
  char last[64];
  snprintf(last, sizeof last, "\n%" PRIu64 " bytes of body\n", body_length);
  return print(out, last);
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  if (instance == arrival || env->count == 0) return print_page(out, env->variables, env->count, body->length);

  forklift_variable* copy = calloc(env->count, sizeof *copy);
  if (copy == NULL) {
    out->fail(out, "no memory to sort the variables");
    return FORKLIFT_ENOMEM;
  }
  memcpy(copy, env->variables, env->count * sizeof *copy);
  qsort(copy, env->count, sizeof *copy, by_name);
  const int result = print_page(out, copy, env->count, body->length);
  free(copy);
  return result;
}

FORKLIFT_PLUGIN("env", "1.0", .create = create, .produce = produce);
