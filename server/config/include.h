// `include`: apps that stand in files of their own, one for each package that brings some.
#pragma once

namespace forklift::config {

class Value;

// Reads the apps of all files that the list names. The last part of a path may be a pattern with `*`, `?` and `[...]`
// (fnmatch(3)), and then stands for any number of files, in the order of their names and without those that begin with
// a dot; without one, the file has to be there. A file is read once, however many patterns match it. It holds `apps`
// and nothing else; its relative paths are relative to itself.
void read_include(Value& value);

}  // namespace forklift::config
