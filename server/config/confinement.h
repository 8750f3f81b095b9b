// The keys that say who a worker is and what it may do. Called by the table in keys.cc.
#pragma once

#include <string>

namespace forklift::config {

class Value;
struct Node;
struct Reading;

void read_account(Value& value, std::string& out);  // a user or group: a name, or a number
void read_umask(Value& value);                      // octal digits
void read_environment(Value& value);                // a map of names and values

// Limits of setrlimit(2). `resource` is RLIMIT_AS, ...; the limit gets the name of its key.
void read_byte_limit(Value& value, int resource);   // a size, or `unlimited`
void read_count_limit(Value& value, int resource);  // a number in the resource's own unit, or `unlimited`
void read_file_limit(Value& value);                 // RLIMIT_NOFILE, which the kernel bounds

// What can only be said of an app once all its keys are read: a `directory` inside a chroot is relative to nothing that
// the file could mean. `map` is the app that is being read.
void check_directory(Reading& reading, const Node& map);

}  // namespace forklift::config
