// How a process has ended, for people.
#pragma once

#include <string>

namespace forklift {

// `died of signal 11 (Segmentation fault), core dumped`, `exited with status 3`. `status` is what waitpid(2) gives of a
// process that has ended.
std::string describe_wait_status(int status);

}  // namespace forklift
