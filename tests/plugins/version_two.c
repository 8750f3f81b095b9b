#define VERSION "two"

/* Moves everything that follows: bytes of both builds, mixed, are no plugin. */
__attribute__((used, section(".text.before"))) static const unsigned char padding[20000] = {0xcc};

#include "answers_version.h"
