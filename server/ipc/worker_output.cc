#include "ipc/worker_output.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/socket_options.h"

namespace forklift::ipc {

namespace {

constexpr std::size_t kBufferBytes = 16 * 1024;

Result<void> make_line(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return fail_errno("socketpair for output");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  ::shutdown(read_end.get(), SHUT_WR);  // who reads there finds the end, as of no file
  refuse_descriptors(read_end.get());
  return {};
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
  return read(stream, kTurnBytesMax, sink);
}

bool WorkerOutput::read(Stream stream, std::size_t bytes_max, const Sink& sink) {
  Line& line = lines_[index(stream)];
  if (!line.end) return false;
  const auto give = [&](std::string_view whole) { sink(stream, whole); };
  char buffer[kBufferBytes];
  while (bytes_max > 0) {
    const ssize_t n = ::recv(line.end.get(), buffer, std::min(bytes_max, kBufferBytes), MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    line.assembler.take({buffer, static_cast<std::size_t>(n)}, give);
    bytes_max -= static_cast<std::size_t>(n);
  }
  return true;
}

void WorkerOutput::finish(const Sink& sink) {
  for (const Stream stream : {Stream::kOutput, Stream::kError}) {
    read(stream, kLeftBytesMax, sink);
    Line& line = lines_[index(stream)];
    line.assembler.finish([&](std::string_view last) { sink(stream, last); });
    line.end.reset();
  }
}

}  // namespace forklift::ipc
