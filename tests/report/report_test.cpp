// The report says what scripts rely on and what people read.
#include "report/report.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <support.hpp>

namespace paceline {
namespace {

/// Workers that wait, for items of which some fail.
class Waiters final : public test::Numbers, public Waiting, public Retries {
 public:
  Waiters() : Numbers(100, 10) {}
  [[nodiscard]] Parts parts() override {
    Parts parts;
    parts.waiting = this;
    parts.retries = this;
    return parts;
  }
  [[nodiscard]] int workers(const RankInfo& /*rank*/) const override { return 2; }
  void start(const StartContext& /*context*/) override {}
  void begin(std::int64_t /*item*/) override {}
  std::optional<std::int64_t> next_done() override { return std::nullopt; }
  void end() noexcept override {}
  [[nodiscard]] bool is_settled(std::span<const std::byte> /*bytes*/) const override { return true; }
  [[nodiscard]] std::vector<Failure> failures() const override { return {}; }
};

class Report : public testing::Test {
 protected:
  Report() {
    options.name = "numbers";
    options.workload = std::make_unique<test::Numbers>(100, 10);
    options.command = "paceline numbers";
    PlanRequest request;
    request.items = 100;
    request.bytes_per_item = 18;
    request.ranks = 2;
    request.threads = 2;
    plan.emplace(request);
    summary.options = &options;
    summary.parts = &parts;
    summary.plan = &*plan;
    summary.computed_items = 100;
    summary.computed_bytes = 1300;
    summary.cores_used = 4;
    summary.digest = "0123456789abcdef";
    summary.wall_s = 2.5;
    summary.serial_s = 0.25;
    summary.tables.ranks.resize(2);
    summary.tables.threads = 2;
    summary.tables.busy_s = {1, 2, 3, std::numeric_limits<double>::quiet_NaN()};
    auto& [first, second] = reinterpret_cast<RankRow(&)[2]>(*summary.tables.ranks.data());
    first.init_s = 0.1;
    first.compute_s = 1;
    second.compute_s = 3;
    first.work_useful = 400;
    second.work_useful = 500;
    first.work_executed = 30;
    second.work_executed = 10;
    first.bound_cores = second.bound_cores = 2;
  }

  RunOptions options;
  Parts parts;
  std::optional<Plan> plan;
  RunSummary summary;
};

TEST_F(Report, IsOneJsonObjectWithWhatScriptsRelyOn) {
  const auto text = json_report(summary);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  const auto json = nlohmann::json::parse(text);
  EXPECT_EQ(json.at("workload"), "numbers");
  EXPECT_EQ(json.at("ranks"), 2);
  EXPECT_EQ(json.at("threads"), 2);
  EXPECT_EQ(json.at("nodes"), 1);
  EXPECT_EQ(json.at("items"), 100);
  EXPECT_EQ(json.at("digest"), "0123456789abcdef");
  EXPECT_EQ(json.at("wall_s"), 2.5);
  EXPECT_EQ(json.at("serial_s"), 0.25);
  EXPECT_EQ(json.at("phases").size(), 6U);
  EXPECT_EQ(json.at("phases").at("init"), 0.1) << "of the slowest rank";
  EXPECT_EQ(json.at("phases").at("compute"), 3.0);
  for (const char* phase : {"plan", "scatter", "gather", "write"}) EXPECT_EQ(json.at("phases").at(phase), 0.0);
  EXPECT_EQ(json.at("compute_mean_s"), 2.0);
  EXPECT_EQ(json.at("imbalance"), 1.5);
  EXPECT_EQ(json.at("imbalance_work"), 1.5);
  EXPECT_EQ(json.at("rate"), 300.0);
  EXPECT_EQ(json.at("rate_unit"), "items/s");
  EXPECT_EQ(json.at("bound_cores"), nlohmann::json::array({2, 2}));
  EXPECT_EQ(json.at("thread_busy_s"), nlohmann::json::parse("[[1.0,2.0],[3.0,null]]"));
}

TEST_F(Report, IsJsonWhateverTheCommandHolds) {
  options.command = "paceline -o '\xff\"\n.h5'";
  options.output = "\xff.h5";
  EXPECT_NO_THROW({ EXPECT_TRUE(nlohmann::json::accept(json_report(summary))); });
}

TEST_F(Report, TellsPeopleTheSame) {
  options.output = "f.h5";
  const auto text = text_report(summary);
  for (const char* part : {"paceline numbers: 2 ranks x 2 threads\n", "slowest/mean 1.500, in executed work 1.500",
                           "300.000 items/s", "digest: 0123456789abcdef\n", "f.h5", "2.5000   0.2500 of it one rank"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  for (const char* phase : {"init", "plan", "scatter", "compute", "gather", "write"}) {
    EXPECT_NE(text.find(std::string("\n  ") + phase), std::string::npos) << phase;
  }
  EXPECT_EQ(text.find("oversubscribed"), std::string::npos);
  EXPECT_EQ(text.find("inf"), std::string::npos) << text;
  summary.cores_used = 3;
  EXPECT_NE(text_report(summary).find("4 threads share 3 cores: oversubscribed"), std::string::npos);
}

TEST_F(Report, TellsWhatWaitingInParallelHasSaved) {
  options.workload = std::make_unique<Waiters>();
  parts = options.workload->parts();
  summary.cores_used = 1;
  summary.workers = 3;
  summary.tables.ranks[0].threads = summary.tables.ranks[1].threads = 1;
  summary.failures.count = 7;
  summary.retried_items = 5;
  const auto text = text_report(summary);
  for (const char* part : {"2 ranks x 2 workers\n", "6.0000 by 3 workers in all", "2.40 times the wall time",
                           "failed    7 of 100 items"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
  EXPECT_EQ(text.find("oversubscribed"), std::string::npos) << "who waits needs no core";
  const auto json = nlohmann::json::parse(json_report(summary));
  EXPECT_EQ(json.at("threads"), 1);
  EXPECT_EQ(json.at("workers"), 3);
  EXPECT_EQ(json.at("waited_s"), 6.0);
  EXPECT_EQ(json.at("waited_over_wall"), 2.4);
  EXPECT_EQ(json.at("failed_items"), 7);
  EXPECT_EQ(json.at("retried_items"), 5);
}

TEST_F(Report, StandsARunThatHadNothingToDo) {
  summary.computed_items = 0;
  summary.resumed_items = 100;
  for (auto& row : summary.tables.ranks) row = RankRow{};
  const auto text = text_report(summary);
  EXPECT_NE(text.find("100 of 100 items were there already"), std::string::npos) << text;
  EXPECT_EQ(text.find("nan"), std::string::npos) << text;
  const auto json = nlohmann::json::parse(json_report(summary));
  EXPECT_EQ(json.at("rate"), 0.0);
  EXPECT_EQ(json.at("imbalance"), 1.0);
}

TEST_F(Report, OfThePlanSaysWhoOwnsWhat) {
  for (const auto schedule : {Schedule::block, Schedule::weighted, Schedule::cyclic, Schedule::dynamic}) {
    PlanRequest request = plan->request();
    request.ranks = 3;
    request.schedule = schedule;
    request.costs.assign(100, 1.0);
    const auto text = plan_report(options, parts, Plan(request), {2, 1, 1});
    EXPECT_NE(text.find("3 ranks x 2 threads"), std::string::npos) << text;
    EXPECT_NE(text.find("rank 2"), std::string::npos) << text;
    EXPECT_NE(text.find("(2 bound cores)"), std::string::npos) << text;
    EXPECT_NE(text.find("(1 bound core)"), std::string::npos) << text;
    EXPECT_NE(text.find(to_string(schedule)), std::string::npos) << text;
    if (schedule != Schedule::block) continue;
    EXPECT_NE(text.find("rank 0    items 0 to 33: 34 items, 340 B"), std::string::npos) << text;
    EXPECT_NE(text.find("rank 2    items 67 to 99: 33 items, 330 B"), std::string::npos) << text;
  }
  PlanRequest request = plan->request();
  request.items = 1;
  request.schedule = Schedule::block;
  EXPECT_NE(plan_report(options, parts, Plan(request), {1, 1}).find("rank 1    no items"), std::string::npos);
}

TEST_F(Report, OfThePlanIsOneObjectForScripts) {
  for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::dynamic}) {
    PlanRequest request = plan->request();
    request.ranks = 3;
    request.schedule = schedule;
    const auto json = nlohmann::json::parse(plan_json(options, parts, Plan(request), {2, 1, 1}));
    EXPECT_EQ(json.at("workload"), options.name);
    EXPECT_EQ(json.at("ranks"), 3);
    EXPECT_EQ(json.at("threads"), 2);
    EXPECT_EQ(json.at("items"), 100);
    EXPECT_EQ(json.at("bytes"), 1000);
    EXPECT_EQ(json.at("schedule"), to_string(schedule));
    EXPECT_EQ(json.at("bound_cores"), (std::vector<int>{2, 1, 1}));
    const auto& owned = json.at("own_items");
    EXPECT_EQ(owned.is_null(), schedule != Schedule::block);
    if (schedule == Schedule::block) {
      EXPECT_EQ(owned.size(), 3U);
      EXPECT_EQ(owned.at(2), nlohmann::json({{"begin", 67}, {"end", 100}, {"bytes", 330}}));
    }
  }
}

}  // namespace
}  // namespace paceline
