// The requests to the programs in programs/ that mod_cgi and the plugin have to answer alike.
#pragma once

#include <string>
#include <vector>

#include "harness/http_request.h"

namespace harness {

enum class CaseGroup { kHeaders, kStatuses, kBodies, kRequests, kProcesses, kBad, kHanging };

struct JudgeCase {
  CaseGroup group;
  std::string name;     // its own; the first word of a known difference
  std::string program;  // whose file stands in programs/; empty where there is none to be found
  HttpRequest request;
  // Nothing of what the program writes is for the client, who gets an error page of the server's own.
  bool is_servers_page = false;
  std::string error{};  // a part of the line of level error in our server's log; empty where there is to be none
};

const std::vector<JudgeCase>& judge_cases();

}  // namespace harness
