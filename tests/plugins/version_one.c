#define VERSION "one"
#include "answers_version.h"
