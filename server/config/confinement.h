// The keys that say who a worker is and what it may do. Called by the table in key_table.cc.
#pragma once

namespace forklift::config {

class Value;
struct Key;
struct Node;
struct Reading;
struct Subject;

void read_environment(Value& value);  // a map of names and values
Node show_environment(const Subject& subject, const Key& key);

// Limits of setrlimit(2). `resource` is RLIMIT_AS, ...; the limit gets the name of its key.
void read_byte_limit(Value& value, int resource);   // a size, or `unlimited`
void read_count_limit(Value& value, int resource);  // a number in the resource's own unit, or `unlimited`
Node show_limit(const Subject& subject, const Key& key, int resource);

// What can only be said of an app once all its keys are read: a `directory` inside a chroot is relative to nothing that
// the file could mean. `map` is the app that is being read.
void check_directory(Reading& reading, const Node& map);

}  // namespace forklift::config
