// A CGI program as a plugin, which does what QUERY_STRING says. Without it, the page tells the environment, one
// variable a line, and then gives back standard input.
//
//   cin, stdin, read   reads all of the body by C++, C or system call, and tells how many bytes and their sum
//   some               reads the first line of the body and no more, by C++ and by C
//   before             writes a page of 200 KB before it reads the body, and gives that back
//   big                writes 10 MB by printf
//   deaf               never reads its input
//   fails, throws      returns 3, throws, each after half a page
//   nothing            writes nothing
//   closes             closes 0, 1 and 2 behind its page
//   shuffles           1 becomes 2, 0 becomes the root folder, and reads and writes are over
//   unflushed          closes 1 while its page still stands in the buffer of stdout
//   formats            leaves std::cout hexadecimal, with exceptions, and std::cin at its end
//   changes            sets, unsets and cuts up variables, and clears the environment
//   forks              a child that writes the second half of the page, and returns as its parent does
//   exits              by exit(0)
//   logs               a line on standard error
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <forklift/cgilike.hpp>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

constexpr char kBegin[] = "Content-Type: text/plain\n\n";

int tell_sum(const std::string& bytes) {
  unsigned long sum = 0;
  for (const char byte : bytes) sum += static_cast<unsigned char>(byte);
  std::cout << kBegin << bytes.size() << " " << sum << "\n";
  return 0;
}

std::string all_of_stdin() {
  std::string all;
  for (int c; (c = std::getchar()) != EOF;) all += static_cast<char>(c);
  return all;
}

std::string all_of_0() {
  std::string all;
  char buffer[10'000];
  for (ssize_t n; (n = ::read(0, buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
  return all;
}

std::string all_of_cin() {
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

int read_some() {
  std::string line;
  std::getline(std::cin, line);
  char c_line[100] = "";
  if (std::fgets(c_line, sizeof c_line, stdin) == nullptr) return 1;
  std::cout << kBegin << line << "+" << c_line;
  return 0;
}

int write_before_reading() {
  std::cout << kBegin << std::string(200'000, 'w');
  std::cout << all_of_cin();
  return 0;
}

int write_much() {
  std::printf("%s", kBegin);
  for (int i = 0; i < 100'000; ++i) std::printf("%099d\n", i);
  return 0;
}

int shuffle() {
  std::printf("%spage", kBegin);
  std::fflush(stdout);
  ::dup2(2, 1);
  ::close(0);
  if (::open("/", O_RDONLY | O_CLOEXEC) != 0) return 1;
  ::close(2);
  return 0;
}

int leave_formats() {
  std::cout << kBegin << "page";
  std::cout << std::hex;
  std::cin.exceptions(std::ios::badbit);
  std::cout.exceptions(std::ios::badbit);
  all_of_cin();
  std::cin.setstate(std::ios::eofbit | std::ios::failbit);
  return 0;
}

int change_environment() {
  std::cout << kBegin << std::getenv("HOME") << "\n";
  ::setenv("LEFT_BEHIND", "yes", 1);
  ::setenv("HOME", "elsewhere", 1);
  ::unsetenv("PATH");
  ::strcpy(std::getenv("REQUEST_URI"), "");
  ::clearenv();
  ::setenv("LEFT_BEHIND", "yes", 1);
  return 0;
}

int fork_in_the_page() {
  std::cout << kBegin << "first " << std::flush;
  const pid_t child = ::fork();
  if (child != 0) return ::waitpid(child, nullptr, 0) == child ? 0 : 1;
  std::cout << "second";
  return 0;
}

int show() {
  std::cout << kBegin;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) std::cout << *entry << "\n";
  std::cout << "\n" << all_of_cin() << "\n" << 16 << "\n";
  return 0;
}

}  // namespace

FORKLIFT_CGILIKE("cgilike_as_told", "1.0") {
  const char* query = std::getenv("QUERY_STRING");
  const std::string_view what = query == nullptr ? "" : query;
  if (argc != 1 || std::string_view(argv[0]) != "cgilike_as_told") return 9;
  if (what == "cin") return tell_sum(all_of_cin());
  if (what == "stdin") return tell_sum(all_of_stdin());
  if (what == "read") return tell_sum(all_of_0());
  if (what == "some") return read_some();
  if (what == "before") return write_before_reading();
  if (what == "big") return write_much();
  if (what == "nothing") return 0;
  if (what == "changes") return change_environment();
  if (what == "formats") return leave_formats();
  if (what == "forks") return fork_in_the_page();
  if (what == "shuffles") return shuffle();
  if (what == "") return show();
  std::printf("%spage", kBegin);
  if (what == "fails") return 3;
  if (what == "throws") throw std::runtime_error("out of paper");
  if (what == "exits") std::exit(0);
  if (what == "logs") std::cerr << "a line for the log\n";
  if (what == "closes") std::fflush(stdout);
  if (what == "closes") ::close(2);
  if (what == "closes") ::close(0);
  if (what == "closes" || what == "unflushed") ::close(1);
  return 0;
}
