#include "harness/shipped.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace harness {

App shipped_app(const std::string& name, const std::string& more) {
  return {.name = name,
          .plugin = plugin_file(name),
          .listen = {"127.0.0.1:0", fmt::format("unix:{}.sock", name)},
          .more = more};
}

void expect_own_answers(const std::function<Response(const std::string& text)>& echo) {
  std::vector<std::thread> clients;
  std::vector<std::string> failures(16);
  for (std::size_t client = 0; client < failures.size(); ++client) {
    clients.emplace_back([&, client] {
      for (int round = 0; round < 20 && failures[client].empty(); ++round) {
        const std::string text = fmt::format("client {} round {} {}", client, round, std::string(client * 1000, '.'));
        const Response response = echo(text);
        if (!response.complete(200) || response.body != text) failures[client] = testing::PrintToString(response);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(failures, testing::Each(testing::IsEmpty()));
}

}  // namespace harness
