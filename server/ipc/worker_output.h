// What a worker prints on its standard output and standard error, in the process that has forked it: read without
// waiting, and given away line by line. A worker that prints faster than it is read waits for room.
//
// Two sockets and no pipes: who reads a pipe waits for the lock that a writer of it has, whatever O_NONBLOCK says, and
// that may have it for as long as it waits for its own input (splice(2)) or for a page of its memory.
#pragma once

#include <array>
#include <functional>
#include <string_view>

#include "base/lines.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace forklift::ipc {

enum class Stream { kOutput = 0, kError = 1 };

// `stdout`, `stderr`.
std::string_view to_string(Stream stream);

class WorkerOutput {
 public:
  // What a call takes of a stream. Of short lines it is their number that costs, so both have a bound; a few more may
  // come with those that were read together with the last one.
  struct Bound {
    std::size_t bytes;
    std::size_t lines;
  };
  static constexpr Bound kTurnMax{.bytes = 64 * 1024, .lines = 32};      // read()
  static constexpr Bound kLeftMax{.bytes = 1024 * 1024, .lines = 2000};  // finish()
  static constexpr std::size_t kReadBytes = 128;

  // Raw bytes without the newline, which live as long as the call: whoever prints them escapes them. Long lines come in
  // pieces (base/lines.h).
  using Sink = std::function<void(Stream, std::string_view line)>;

  struct Made;
  // All ends are close-on-exec. [master, before the fork]
  static Result<Made> make();

  // Without sockets: descriptors are -1, and there is nothing to read.
  WorkerOutput() = default;

  // The read end, for the poller.
  int fd(Stream stream) const { return lines_[index(stream)].end.get(); }

  // Reads what is there, a bounded amount, and gives the lines that are whole to `sink`. False once there will be
  // nothing more, because nobody has the write end any longer: the caller stops polling it; finish() closes it.
  bool read(Stream stream, const Sink& sink);

  // After the worker was reaped: reads what it has left there (a child that it has forked may still print; that
  // is not waited for), gives the last lines away, whole or not, and closes. Returns how many bytes were not read.
  std::size_t finish(const Sink& sink);

 private:
  struct Line {
    UniqueFd end;
    LineAssembler assembler;
  };
  static std::size_t index(Stream stream) { return static_cast<std::size_t>(stream); }

  bool read(Stream stream, Bound most, const Sink& sink);

  std::array<Line, 2> lines_;
};

struct WorkerOutput::Made {
  WorkerOutput output;
  // The write ends, for the worker: worker::redirect_output(). They block, as programs expect of them.
  UniqueFd standard_output;
  UniqueFd standard_error;
};

}  // namespace forklift::ipc
