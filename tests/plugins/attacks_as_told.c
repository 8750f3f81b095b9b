/* Turns on its master, as HTTP_X_ATTACK says; answers with a short page, as far as it still can.
 *
 *   linger   lets the last close of its connection wait for a minute; with a long page
 *   fork     comes back from produce twice
 *   group    moves to another process group, leaves a child in its own, and hangs
 *   flood    processes outside its group write to the channel without end; dies */
#define _GNU_SOURCE
#include <forklift/plugin.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int find_socket(int of_type) {
  for (int fd = 3; fd < 256; ++fd) {
    int type = 0;
    socklen_t size = sizeof type;
    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == of_type) return fd;
  }
  return -1;
}

static void linger_for_a_minute(void) {
  const struct linger minute = {.l_onoff = 1, .l_linger = 60};
  setsockopt(find_socket(SOCK_STREAM), SOL_SOCKET, SO_LINGER, &minute, sizeof minute);
}

static void leave_group_and_hang(void) {
  if (fork() == 0) {
    while (pause() == -1) continue;
  }
  if (setpgid(0, getpgid(getppid())) != 0) _exit(91);
  while (pause() == -1) continue;
}

/* Lines for the log, above its level or not: the master has to look at each. They end when their reader is gone, and
 * after a minute. */
static void flood_and_die(void) {
  static struct {
    uint32_t type, level;
    char text[16000];
  } line = {.type = 7, .level = 3};
  memset(line.text, 1, sizeof line.text);
  const int channel = find_socket(SOCK_SEQPACKET);
  for (int i = 0; i < 4; ++i) {
    if (fork() != 0) continue;
    setsid();
    alarm(60);
    while (send(channel, &line, sizeof line, MSG_NOSIGNAL) > 0) continue;
    _exit(0);
  }
  /* Only when the channel is full. */
  while (send(channel, &line, sizeof line, MSG_NOSIGNAL | MSG_DONTWAIT) > 0) continue;
  raise(SIGKILL);
}

static int produce(void* instance, const forklift_env* env, forklift_body* body, forklift_out* out) {
  (void)instance, (void)body;
  const char* attack = env->get(env, "HTTP_X_ATTACK", NULL);
  if (attack == NULL) attack = "";
  if (strcmp(attack, "linger") == 0) linger_for_a_minute();
  if (strcmp(attack, "group") == 0) leave_group_and_hang();
  if (strcmp(attack, "flood") == 0) flood_and_die();
  const pid_t child = strcmp(attack, "fork") == 0 ? fork() : -1;
  if (child > 0) waitpid(child, NULL, 0);

  static const char head[] = "Content-Type: text/plain\n\n";
  static char page[100 * 1000];
  memset(page, '.', sizeof page);
  int result = out->write(out, head, sizeof head - 1);
  if (result == 0 && strcmp(attack, "linger") != 0) return out->write(out, page, 1000);
  for (int i = 0; i < 20 && result == 0; ++i) result = out->write(out, page, sizeof page);
  return result;
}

FORKLIFT_PLUGIN("attacks_as_told", "1.0", .produce = produce);
