/* Appends `METHOD URI` to the file that the setting `file` names, each time that it runs, and then answers: with as
 * many dots as the setting `bytes` says, and `end` behind them. */
#include <fcntl.h>
#include <forklift/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int record = -1;
static size_t dots;

static int create(const forklift_host* host, void** instance) {
  (void)instance;
  const char* file = host->settings->get(host->settings, "file", NULL);
  const char* bytes = host->settings->get(host->settings, "bytes", NULL);
  if (bytes != NULL) dots = strtoul(bytes, NULL, 10);
  if (file != NULL) record = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (record >= 0) return FORKLIFT_OK;
  host->refuse(host, "file", "cannot be opened");
  return FORKLIFT_EINVAL;
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  (void)instance, (void)body;
  char line[200];
  const int size =
      snprintf(line, sizeof line, "%s %s\n", env->get(env, "REQUEST_METHOD", NULL), env->get(env, "REQUEST_URI", NULL));
  /* One write(2) behind O_APPEND: lines of several workers don't mix. */
  if (size < 0 || (size_t)size >= sizeof line || write(record, line, (size_t)size) != size) return 1;

  char length[32];
  snprintf(length, sizeof length, "%zu", dots + 4);
  const forklift_header headers[] = {{"Content-Type", "text/plain"}, {"Content-Length", length}};
  int result = out->begin(out, 200, headers, 2);
  char piece[16 * 1024];
  memset(piece, '.', sizeof piece);
  for (size_t left = dots; left > 0 && result == 0;) {
    const size_t part = left < sizeof piece ? left : sizeof piece;
    result = out->write(out, piece, part);
    left -= part;
  }
  return result == 0 ? out->write(out, "end\n", 4) : result;
}

FORKLIFT_PLUGIN("records_each_run", "1.0", .create = create, .produce = produce);
