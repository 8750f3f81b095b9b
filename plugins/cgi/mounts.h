// From a path to the program that answers it.
#pragma once

#include <string>

#include "request.h"
#include "settings.h"

namespace cgi {

// A program, and the request's path divided at it (RFC 3875, 4.1.5 and 4.1.13).
struct Target {
  std::string file;         // what is run, or given to the interpreter; absolute
  std::string interpreter;  // empty: none
  std::string script_name;  // the front server's, and what has led to the program
  std::string path_info;    // what stands behind it
};

// Whether a mount takes the request's path.
bool has_mount(const Settings& settings, const Request& request);

// The mount with the longest `at` that is the path's beginning, up to a slash. Below a `root` the path leads from
// folder to folder until it comes to a file.
//
// Refusal: 404 for what is not there, no file and no folder, or in no mount; 403 for folders, for what cannot be run,
// and for links that lead out of `root`. Between this and exec(3) a file may be exchanged. That is no danger: who can
// put another one there could have put it there before.
Target find_program(const Settings& settings, const Request& request);

}  // namespace cgi
