/* A plugin as it is written for API 1.0, in C: it reads every member of every struct that the host hands out, and says what it
 * has found. Never changed: what it says is what its author was promised. */
#include <forklift/plugin.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct state {
  const forklift_host *host;
  char name[64];
} state;

static state the_state;

static int create(const forklift_host *host, void **instance) {
  const forklift_settings *settings = host->settings;
  if (host->version.major != 1 || host->version.size < sizeof *host) {
    host->refuse(host, NULL, "the host is of another API");
    return FORKLIFT_EINVAL;
  }
  size_t size = 0;
  const char *name = settings->get(settings, "people[1].name", &size);
  if (settings->kind(settings, "people") != FORKLIFT_SETTING_LIST || settings->count(settings, "people") != 2 ||
      settings->kind(settings, "people[0]") != FORKLIFT_SETTING_MAP ||
      strcmp(settings->name(settings, "people[0]", 0), "name") != 0 || !name || size >= sizeof the_state.name) {
    host->refuse(host, "people", "must have two maps with a name");
    return FORKLIFT_EINVAL;
  }
  the_state.host = host;
  memcpy(the_state.name, name, size + 1);
  *instance = &the_state;
  host->log(host, FORKLIFT_LOG_INFO, "made for API 1.0");
  return FORKLIFT_OK;
}

static int say(forklift_out *out, const char *format, ...) {
  char line[256];
  va_list arguments;
  va_start(arguments, format);
  const int size = vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  return out->write(out, line, (size_t)size);
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  const state *self = instance;
  if (strcmp(env->get(env, "REQUEST_URI", NULL), "/fail") == 0) {
    out->fail(out, "as it was told");
    return FORKLIFT_EINVAL;
  }

  char text[16];
  int64_t count = body->read(body, text, 4);
  while (count >= 0 && (uint64_t)count < body->length) {
    const int64_t more = body->try_read(body, text + count, sizeof text - (size_t)count);
    if (more == FORKLIFT_EAGAIN) {
      const int ready = out->wait(out, FORKLIFT_WAIT_BODY, NULL, 0, -1);
      if (ready < 0) return ready;
    } else if (more <= 0) {
      return more == 0 ? FORKLIFT_ESHORT : (int)more;
    } else {
      count += more;
    }
  }
  if (count < 0) return (int)count;

  const forklift_header headers[] = {{"Content-Type", "text/plain"}, {"X-App", self->host->app}};
  int result = out->begin(out, 201, headers, 2);
  if (result != FORKLIFT_OK) return result;
  if ((result = say(out, "%s of generation %d serves %s\n", self->host->app, (int)self->host->generation, self->name))) {
    return result;
  }
  for (size_t i = 0; i < env->count; ++i) {
    const forklift_variable *variable = &env->variables[i];
    if (strncmp(variable->name, "REQUEST_", 8) != 0) continue;
    if ((result = say(out, "%.*s=%.*s\n", (int)variable->name_size, variable->name, (int)variable->value_size,
                      variable->value))) {
      return result;
    }
  }
  if ((result = out->write(out, text, (size_t)count)) != FORKLIFT_OK) return result;
  out->alive(out);
  if ((result = out->flush(out)) != FORKLIFT_OK) return result;
  if (out->try_write(out, "\n", 1) != 1) return FORKLIFT_EIO;
  while ((result = out->try_flush(out)) == FORKLIFT_EAGAIN) {
    if (out->wait(out, FORKLIFT_WAIT_SENT, NULL, 0, -1) < 0) return FORKLIFT_EIO;
  }
  return result == FORKLIFT_OK && self->host->service(self->host, "nobody.has.this/1") == NULL ? FORKLIFT_OK : FORKLIFT_EIO;
}

static void destroy(void *instance) {
  const forklift_host *host = ((state *)instance)->host;
  host->log(host, FORKLIFT_LOG_INFO, "destroyed");
}

FORKLIFT_PLUGIN("in_c", "1.0", .create = create, .produce = produce, .destroy = destroy);
