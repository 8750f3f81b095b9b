/* Repeats what it was given, byte for byte: `NAME=value` and a line feed for each variable, an empty line, the body. A
 * request with the variable STREAM gets the variables before its body is read. */
#include <forklift/plugin.h>
#include <string.h>

static int print_variables(const forklift_env* env, forklift_out* out) {
  int result = FORKLIFT_OK;
  for (size_t i = 0; i < env->count && result == FORKLIFT_OK; ++i) {
    const forklift_variable* variable = &env->variables[i];
    result = out->write(out, variable->name, variable->name_size);
    if (result == FORKLIFT_OK) result = out->write(out, "=", 1);
    if (result == FORKLIFT_OK) result = out->write(out, variable->value, variable->value_size);
    if (result == FORKLIFT_OK) result = out->write(out, "\n", 1);
  }
  return result == FORKLIFT_OK ? out->write(out, "\n", 1) : result;
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  static const forklift_header header = {"Content-Type", "application/octet-stream"};
  (void)instance;
  int result = out->begin(out, 200, &header, 1);
  if (result == FORKLIFT_OK) result = print_variables(env, out);
  if (result == FORKLIFT_OK && env->get(env, "STREAM", NULL) != NULL) result = out->flush(out);
  char buffer[4096];
  while (result == FORKLIFT_OK) {
    const int64_t size = body->read(body, buffer, sizeof buffer);
    if (size <= 0) return (int)size;
    result = out->write(out, buffer, (size_t)size);
  }
  return result;
}

FORKLIFT_PLUGIN("repeats_request", "1.0", .produce = produce);
