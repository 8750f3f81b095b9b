// Counts the lines, words and bytes of what is posted to it, as wc(1) does. A CGI program, which the line with
// FORKLIFT_CGILIKE has made a plugin: it was `int main() {`.
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <forklift/cgilike.hpp>
#include <iostream>

FORKLIFT_CGILIKE("wordcount", "1.0") {
  const char* method = std::getenv("REQUEST_METHOD");
  if (method == nullptr || std::strcmp(method, "POST") != 0) {
    std::cout << "Status: 405 Method Not Allowed\nAllow: POST\nContent-Type: text/plain\n\nPost a text.\n";
    return 0;
  }
  unsigned long lines = 0, words = 0, bytes = 0;
  bool in_word = false;
  for (int c; (c = std::cin.rdbuf()->sbumpc()) != EOF; ++bytes) {
    const bool is_space = std::isspace(c) != 0;
    if (c == '\n') ++lines;
    if (!is_space && !in_word) ++words;
    in_word = !is_space;
  }
  std::cout << "Content-Type: text/plain\n\n" << lines << " " << words << " " << bytes << "\n";
  return 0;
}
