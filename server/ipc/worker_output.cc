#include "ipc/worker_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace forklift::ipc {

namespace {

constexpr std::size_t kBufferBytes = 16 * 1024;

Result<void> make_pipe(UniqueFd& read_end, UniqueFd& write_end) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("pipe for a worker's output");
  read_end.reset(ends[0]);
  write_end.reset(ends[1]);
  // The ends of a pipe are two open files: the worker's stays blocking.
  if (::fcntl(read_end.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno("fcntl of a worker's output");
  return {};
}

}  // namespace

std::string_view to_string(Stream stream) {
  return stream == Stream::kOutput ? "stdout" : "stderr";
}

Result<WorkerOutput::Made> WorkerOutput::make() {
  Made made;
  if (auto done = make_pipe(made.output.pipes_[index(Stream::kOutput)].end, made.standard_output); !done) {
    return Failure(done.error());
  }
  if (auto done = make_pipe(made.output.pipes_[index(Stream::kError)].end, made.standard_error); !done) {
    return Failure(done.error());
  }
  return made;
}

bool WorkerOutput::read(Stream stream, const Sink& sink) {
  return read(stream, kTurnBytesMax, sink);
}

bool WorkerOutput::read(Stream stream, std::size_t bytes_max, const Sink& sink) {
  Pipe& pipe = pipes_[index(stream)];
  if (!pipe.end) return false;
  const auto give = [&](std::string_view line) { sink(stream, line); };
  char buffer[kBufferBytes];
  while (bytes_max > 0) {
    const ssize_t n = ::read(pipe.end.get(), buffer, std::min(bytes_max, kBufferBytes));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN;
    if (n == 0) return false;
    pipe.lines.take({buffer, static_cast<std::size_t>(n)}, give);
    bytes_max -= static_cast<std::size_t>(n);
  }
  return true;
}

void WorkerOutput::finish(const Sink& sink) {
  for (const Stream stream : {Stream::kOutput, Stream::kError}) {
    read(stream, kLeftBytesMax, sink);
    Pipe& pipe = pipes_[index(stream)];
    pipe.lines.finish([&](std::string_view line) { sink(stream, line); });
    pipe.end.reset();
  }
}

}  // namespace forklift::ipc
