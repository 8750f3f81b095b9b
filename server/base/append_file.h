// Files that lines are appended to: logs.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift {

// Opens `path`, an absolute one, for appending, without ever waiting: neither here for the reader of a FIFO (it is an
// error if there is none) nor later for room in a pipe. Created with mode 0640, close-on-exec.
//
// Where this process is root, nobody else may lead it to another file: fails unless every folder on the way, also of
// those that a link leads through, is root's, and only root may write to it. Where its group may too, or everybody and
// it is sticky, what stands in it has to be root's. Else the file may be anybody's: who rotates logs gives them to
// their readers.
Result<UniqueFd> open_append_file(const std::string& path);

// What open_append_file() would refuse to root, as far as that can be seen without making anything. Says nothing about
// what is missing.  [check]
Result<void> check_append_path(const std::string& path);

// Whether two descriptors lead to the same file; false where one leads nowhere.
bool is_same_file(int a, int b);

}  // namespace forklift
