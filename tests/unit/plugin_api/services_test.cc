// forklift/defer.hpp and forklift/stats.hpp, from the host's side of the boundary.
#include <forklift/defer.hpp>
#include <forklift/stats.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A host with the two services, or without; what is given to them is kept here.
class Services : public testing::Test {
 protected:
  struct Raw : forklift_host {
    Services* self;
  };
  struct RawDefer : forklift_defer {
    Services* self;
  };
  struct RawStats : forklift_stats {
    Services* self;
  };

  Services() {
    raw_.version = FORKLIFT_VERSION_OF(forklift_host);
    raw_.self = this;
    raw_.log = [](const forklift_host* host, int level, const char* message) {
      static_cast<const Raw*>(host)->self->log_.push_back(std::to_string(level) + ": " + message);
    };
    raw_.service = [](const forklift_host* host, const char* id) -> const void* {
      Services& self = *static_cast<const Raw*>(host)->self;
      if (!self.has_services_) return nullptr;
      if (std::strcmp(id, FORKLIFT_DEFER_ID) == 0) return &self.defer_;
      return std::strcmp(id, FORKLIFT_STATS_ID) == 0 ? &self.stats_ : nullptr;
    };
    defer_.version = FORKLIFT_VERSION_OF(forklift_defer);
    defer_.self = this;
    defer_.after_response = [](const forklift_defer* table, void (*work)(void*), void* data) {
      Services& self = *static_cast<const RawDefer*>(table)->self;
      if (self.result_ == FORKLIFT_OK) self.works_.emplace_back(work, data);
      return self.result_;
    };
    stats_.version = FORKLIFT_VERSION_OF(forklift_stats);
    stats_.self = this;
    stats_.counter = [](const forklift_stats* table, const char* name, const char* help) {
      return note(table, "counter", name, help);
    };
    stats_.gauge = [](const forklift_stats* table, const char* name, const char* help) {
      return note(table, "gauge", name, help);
    };
    stats_.add = [](const forklift_stats* table, int number, std::int64_t amount) {
      static_cast<const RawStats*>(table)->self->noted_.push_back("add " + std::to_string(number) + " " +
                                                                  std::to_string(amount));
    };
    stats_.set = [](const forklift_stats* table, int number, std::int64_t value) {
      static_cast<const RawStats*>(table)->self->noted_.push_back("set " + std::to_string(number) + " " +
                                                                  std::to_string(value));
    };
  }

  static int note(const forklift_stats* table, const char* kind, const char* name, const char* help) {
    Services& self = *static_cast<const RawStats*>(table)->self;
    self.noted_.push_back(std::string(kind) + " " + name + " " + (help ? help : "-"));
    return self.result_ == FORKLIFT_OK ? static_cast<int>(self.noted_.size()) : self.result_;
  }

  // As the server does it.
  void run() {
    for (const auto& [work, data] : std::exchange(works_, {})) work(data);
  }

  bool has_services_ = true;
  int result_ = FORKLIFT_OK;
  std::vector<std::pair<void (*)(void*), void*>> works_;
  std::vector<std::string> noted_;
  std::vector<std::string> log_;
  Raw raw_{};
  RawDefer defer_{};
  RawStats stats_{};
  forklift::Host host_{&raw_};
};

TEST_F(Services, WorkIsPutOffAndRunsOnce) {
  const forklift::Defer defer(host_);
  EXPECT_TRUE(defer.is_there());
  std::vector<int> done;
  for (const int number : {1, 2}) {
    defer.after_response([&done, number, text = std::string(100, 'x')] { done.push_back(number); });
  }
  EXPECT_THAT(done, IsEmpty());
  run();
  EXPECT_THAT(done, ElementsAre(1, 2));
}

TEST_F(Services, WithoutTheServiceItRunsAtOnce) {
  has_services_ = false;
  const forklift::Defer defer(host_);
  EXPECT_FALSE(defer.is_there());
  int runs = 0;
  defer.after_response([&] { ++runs; });
  EXPECT_EQ(runs, 1);
  defer.after_response([] { throw std::runtime_error("no"); });
  EXPECT_THAT(log_, ElementsAre("3: deferred work: no")) << "no more than where it is put off";
}

TEST_F(Services, WhatWorkThrowsGoesToTheLog) {
  const forklift::Defer defer(host_);
  defer.after_response([] { throw std::runtime_error("no mail today"); });
  defer.after_response([] { throw 7; });
  run();
  EXPECT_THAT(log_, ElementsAre("3: deferred work: no mail today",
                                "3: deferred work: an exception that is not a std::exception"));
}

TEST_F(Services, WorkThatIsNotTakenIsAnErrorAndDoesNotRun) {
  const forklift::Defer defer(host_);
  for (const auto& [code, text] :
       {std::pair(FORKLIFT_ENOMEM, "more work than a request may"), std::pair(FORKLIFT_EINVAL, "putting off work")}) {
    result_ = code;
    int runs = 0;
    try {
      defer.after_response([&] { ++runs; });
      FAIL() << "nothing was thrown";
    } catch (const forklift::Error& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_THAT(error.what(), HasSubstr(text));
    }
    EXPECT_EQ(runs, 0);
  }
}

TEST_F(Services, AnEmptyFunctionIsNoWork) {
  forklift::Defer(host_).after_response({});
  EXPECT_THAT(works_, IsEmpty());
}

TEST_F(Services, CountersAndGaugesAreRegisteredAndChanged) {
  const forklift::Counter hits(host_, "hits", "pages that were found");
  const forklift::Gauge level(host_, "level");
  const forklift::Counter same = hits;
  hits.add();
  same.add(41);
  level.set(-7);
  level.add(2);
  EXPECT_THAT(noted_, ElementsAre("counter hits pages that were found", "gauge level -", "add 1 1", "add 1 41",
                                  "set 2 -7", "add 2 2"));
}

TEST_F(Services, WithoutTheServiceTheyDoNothing) {
  has_services_ = false;
  const forklift::Counter hits(host_, "hits");
  const forklift::Gauge level(host_, "level");
  hits.add();
  level.set(1);
  level.add(1);
  EXPECT_THAT(noted_, IsEmpty());
}

TEST_F(Services, OneThatCannotBeRegisteredThrows) {
  result_ = FORKLIFT_EINVAL;
  try {
    const forklift::Counter hits(host_, "Hits");
    FAIL() << "nothing was thrown";
  } catch (const forklift::Error& error) {
    EXPECT_EQ(error.code(), FORKLIFT_EINVAL);
    EXPECT_THAT(error.what(), HasSubstr("registering \"Hits\" for the status: "));
  }
}

}  // namespace
