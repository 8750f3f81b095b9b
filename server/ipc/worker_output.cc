#include "ipc/worker_output.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/socket_options.h"

namespace forklift::ipc {

namespace {

Result<void> make_line(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair for output");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  ::shutdown(read_end.get(), SHUT_WR);  // who reads there finds the end, as of no file
  refuse_descriptors(read_end.get());
  return {};
}

// Bytes that can be read.
std::size_t waiting(int fd) {
  int bytes = 0;
  return ::ioctl(fd, SIOCINQ, &bytes) == 0 ? static_cast<std::size_t>(bytes) : 0;
}

}  // namespace

std::string_view to_string(Stream stream) {
  return stream == Stream::kOutput ? "stdout" : "stderr";
}

Result<WorkerOutput::Made> WorkerOutput::make() {
  Made made;
  if (auto done = make_line(made.output.lines_[index(Stream::kOutput)].end, made.standard_output); !done) {
    return Failure(done.error());
  }
  if (auto done = make_line(made.output.lines_[index(Stream::kError)].end, made.standard_error); !done) {
    return Failure(done.error());
  }
  return made;
}

bool WorkerOutput::read(Stream stream, const Sink& sink) {
  return read(stream, kTurnMax, sink);
}

// What is not taken stays in the socket, which so remains readable.
bool WorkerOutput::read(Stream stream, Bound most, const Sink& sink) {
  Line& line = lines_[index(stream)];
  if (!line.end) return false;
  std::size_t lines = 0;
  const auto give = [&](std::string_view whole) {
    ++lines;
    sink(stream, whole);
  };
  char buffer[kReadBytes];
  while (most.bytes > 0 && lines < most.lines) {
    const ssize_t n = ::recv(line.end.get(), buffer, std::min(most.bytes, kReadBytes), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    line.assembler.take({buffer, static_cast<std::size_t>(n)}, give);
    most.bytes -= static_cast<std::size_t>(n);
  }
  return true;
}

std::size_t WorkerOutput::finish(const Sink& sink) {
  std::size_t left = 0;
  for (const Stream stream : {Stream::kOutput, Stream::kError}) {
    read(stream, kLeftMax, sink);
    Line& line = lines_[index(stream)];
    line.assembler.finish([&](std::string_view last) { sink(stream, last); });
    if (line.end) left += waiting(line.end.get());
    line.end.reset();
  }
  return left;
}

}  // namespace forklift::ipc
