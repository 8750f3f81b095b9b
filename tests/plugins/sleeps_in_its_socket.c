/* Sleeps in the kernel in the middle of a call on the client's connection, and holds what the kernel has locked for it: the
 * call meets memory whose pages nobody brings (userfaultfd(2)), as those of a mapped file do when its file system hangs.
 * POST: receives into it; else: sends from it. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <forklift/plugin.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIZE = 1 << 20 };

/* NULL where the kernel does not let us. */
static char *memory_without_pages(void) {
  const int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
  struct uffdio_api api = {.api = UFFD_API};
  if (fd < 0 || ioctl(fd, UFFDIO_API, &api) != 0) return NULL;
  void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_register all = {.range = {.start = (uintptr_t)memory, .len = SIZE}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  return memory != MAP_FAILED && ioctl(fd, UFFDIO_REGISTER, &all) == 0 ? memory : NULL;
}

static int produce(void *instance, const forklift_env *env, forklift_body *body, forklift_out *out) {
  (void)instance;
  const forklift_header type = {"Content-Type", "text/plain"};
  char *memory = memory_without_pages();
  if (memory == NULL) {
    out->fail(out, "there is no memory without pages");
    return 1;
  }
  const char *method = env->get(env, "REQUEST_METHOD", NULL);
  if (method != NULL && strcmp(method, "POST") == 0) return (int)body->read(body, memory, SIZE);
  const int result = out->begin(out, 200, &type, 1);
  return result == 0 ? out->write(out, memory, SIZE) : result;
}

FORKLIFT_PLUGIN("sleeps_in_its_socket", "1.0", .produce = produce);
