/* runs_in_a_terminal TERMINAL COMMAND...: runs a command, in this very process, as a shell's first one: the terminal is
 * its own. */
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  /* A leader of a group may not begin a session. */
  if (setpgid(0, getpgid(getppid())) != 0 || setsid() < 0) return 125;
  const int terminal = open(argv[1], O_RDWR);
  if (terminal < 0 || tcgetsid(terminal) != getpid()) return 126;
  close(terminal);
  execv(argv[2], argv + 2);
  return 127;
}
