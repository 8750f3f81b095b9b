// One request from its lend to its end.
#pragma once

#include <forklift/plugin.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "config/config.h"
#include "ipc/page.h"
#include "plugin/deferred_work.h"
#include "protocol/request.h"
#include "worker/body_reader.h"
#include "worker/client_socket.h"
#include "worker/request_source.h"
#include "worker/resident_memory.h"
#include "worker/response_writer.h"

namespace forklift::worker {

class Server {
 public:
  // All outlive the server. `deferred` is where the plugin's deferred work is collected; nullptr: it has no such
  // service.
  Server(const config::App& app, const forklift_plugin& plugin, void* instance, ipc::SharedPage& page,
         plugin::DeferredWork* deferred = nullptr)
      : app_(app), plugin_(plugin), instance_(instance), page_(page), deferred_(deferred) {}

  // Opens what the size of this process is read from, where workers.max_memory asks for it: from then on serve() says
  // it with each DONE.
  void watch_memory();

  // Answers the request: by the plugin, or, where its bytes are wrong, by itself. Whatever happens, the connection is
  // closed at the return, and the result tells the master what is left to do with it.
  ipc::Done serve(Lent lent);

  // Runs the deferred work of the request that serve() has answered last, whose bytes are still where they were: once,
  // behind a DONE that says so. The result tells the master that it is over.
  ipc::Free run_deferred();

 private:
  // How a function of the plugin's has ended, without its exceptions.
  struct Verdict {
    bool ok = false;
    std::string reason;
  };
  using Parsed = tl::expected<void, protocol::Rejection>;

  // The two ways to an end: a page, of the plugin or of our own, and handle_connection().
  ipc::Done serve_page(ClientSocket& socket, const Lent& lent, const Parsed& parsed);
  ipc::Done serve_raw(ClientSocket& socket, const Lent& lent);

  Verdict produce(ClientSocket& socket, BodyReader& body, ResponseWriter& out);
  Verdict handle_connection(ClientSocket& socket, std::string_view head);
  bool conclude(const Verdict& verdict, const BodyReader& body, ResponseWriter& out);
  bool answer(ResponseWriter& out, int status);
  void warn_of_long_head(std::size_t bytes) const;
  void log_failure(int status, std::string_view reason) const;
  std::string title() const;  // `GET "/uri"`, for the log; what is missing is `?` or `""`

  const config::App& app_;
  const forklift_plugin& plugin_;
  void* const instance_;
  const pid_t process_ = ::getpid();
  ipc::SharedPage& page_;
  plugin::DeferredWork* const deferred_;
  ResidentMemory memory_;
  std::uint64_t serial_ = 0;   // of the last lend
  protocol::Request request_;  // kept, so that its memory is reused
};

}  // namespace forklift::worker
