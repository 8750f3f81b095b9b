// A request and a program, brought together: body in, page out, standard error to the log, all at once.
#pragma once

#include <array>
#include <chrono>
#include <forklift/host.hpp>
#include <forklift/request.hpp>
#include <forklift/response.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "head.h"
#include "lines.h"
#include "program.h"
#include "settings.h"
#include "spool.h"

namespace cgi {

class Exchange {
 public:
  // All outlive the exchange. `name`: the program's, for the log. `body`: null where the program gets none.
  // `wants_page`: false for HEAD, where headers are all that is sent.
  Exchange(const Settings& settings, const forklift::Host& host, const std::string& name, Program& program,
           forklift::Body* body, bool wants_page, forklift::Out& out);

  // Returns when the whole page is given to `out` and the program is gone. A local redirection is returned, and nothing
  // of that program's page was written; it has settings.timeout to end. While nothing is sent, Refusal (500, 503, 504)
  // for a program that has no page; otherwise an exception that ends the response, in every case with the program gone:
  // also forklift::Error where the client is.
  std::optional<std::string> run();

 private:
  using Clock = std::chrono::steady_clock;

  void step();
  void check_program();

  bool wants_body() const { return body_ != nullptr && !body_complete_ && program_.input(); }
  void take_body();
  void feed();
  void note_progress();
  void end_input();

  bool wants_output() const { return program_.output() && pending_.empty(); }
  void move_output();
  bool take_output();
  void take_head(std::string_view bytes);
  bool may_send() const { return head_.complete() && !wants_body(); }
  bool send();
  void flush();
  void note_exit();

  bool take_errors();
  void take_last_errors();
  void end_program();
  [[noreturn]] void fail(int status, const std::string& reason) const;

  bool is_over() const;
  std::optional<Clock::time_point> deadline() const;
  milliseconds time_left() const;
  void check_deadlines();
  void conclude();

  const Settings& settings_;
  const forklift::Host& host_;
  const std::string& name_;
  Program& program_;
  forklift::Body* body_;
  forklift::Out& out_;

  bool body_complete_ = false;
  Spool spool_;  // of the body, as far as the program has not read it

  HeadReader head_;
  std::optional<std::string> redirection_;
  std::string pending_;  // output that `out` has not taken
  bool out_blocked_ = false;
  bool wants_page_;
  bool gave_up_ = false;  // what the program still writes nobody gets
  bool sent_ = false;     // something was given to `out`
  bool begun_ = false;    // something may have been sent to the client
  bool flushed_ = true;
  bool flush_blocked_ = false;

  Lines errors_;
  std::string unlogged_;  // read, and not in the log yet

  Clock::time_point progress_ = Clock::now();  // when the program last got on, or the client had to do with it
  std::optional<Clock::time_point> end_of_output_;
  std::optional<Clock::time_point> end_of_own_output_;  // the program has exited, and what it had written was read
  std::size_t own_output_left_ = 0;
};

}  // namespace cgi
