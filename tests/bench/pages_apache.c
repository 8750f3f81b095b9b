/* For the Lua page of Apache, as Lua cannot wait: a lua_CFunction without arguments and results. */
#include <unistd.h>

int wait_20ms(void* lua) {
  (void)lua;
  usleep(20000);
  return 0;
}
