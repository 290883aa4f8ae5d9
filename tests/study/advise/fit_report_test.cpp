// The JSON object and the text, held to what INTERFACE promises scripts.
#include "study/advise/fit_report.hpp"

#include <nlohmann/json.hpp>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>
#include <support.hpp>

namespace paceline {
namespace {

using nlohmann::json;

const FitSettings quick{200, 1};

Study hybrid(std::uint64_t seed = 1) {
  return test::made_up(*find_model("two-level"), {0.98, 0.9, 100}, test::grid(64, 8), {}, seed);
}

json json_of(const Study& study, const std::string& model = "auto", std::optional<Layout> at = std::nullopt) {
  return json::parse(json_report(analyse(study, model, at, quick), study));
}

void expect_interval(const json& value) {
  EXPECT_LE(value.at("low").get<double>(), value.at("value").get<double>());
  EXPECT_GE(value.at("high").get<double>(), value.at("value").get<double>());
}

TEST(FitReportTest, KeysAsPromised) {
  auto study = hybrid();
  for (auto& sample : study.samples) sample.bound_ok = sample.layout != Layout{64, 1, 1};
  const auto fit = json_of(study, "auto", Layout{64, 16, 1});
  for (const auto& [law, names] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {"amdahl", {"serial_fraction", "t1_s"}},
           {"usl", {"contention", "coherency", "t1_s"}},
           {"two-level", {"process_fraction", "thread_fraction", "t1_s"}}}) {
    for (const auto& name : names) expect_interval(fit.at("models").at(law).at(name));
    EXPECT_TRUE(fit.at("models").at(law).at("aicc").is_number());
  }
  EXPECT_FALSE(fit.at("models").contains("gustafson"));
  EXPECT_EQ(fit.at("chosen"), "two-level");
  EXPECT_FALSE(fit.at("why").get<std::string>().empty());
  EXPECT_EQ(fit.at("layouts").size(), study_times(study).layouts.size());
  for (const auto& row : fit.at("layouts")) {
    EXPECT_TRUE(row.at("median_s").is_number());
    if (row.at("ranks") == 64 && row.at("threads") == 1) {
      EXPECT_EQ(row.at("used"), false);
      EXPECT_EQ(row.at("why_not"), "no run counts: 5 with threads that share a core");
      EXPECT_TRUE(row.at("speedup").is_null());
    } else {
      EXPECT_EQ(row.at("used"), true);
      EXPECT_TRUE(row.at("why_not").is_null());
      EXPECT_LE(row.at("low"), row.at("median_s"));
      EXPECT_GE(row.at("high"), row.at("median_s"));
      EXPECT_NEAR(row.at("speedup").get<double>() / (row.at("ranks").get<int>() * row.at("threads").get<int>()),
                  row.at("efficiency").get<double>(), 1e-9);
    }
  }
  ASSERT_FALSE(fit.at("fastest").empty());
  EXPECT_EQ(fit.at("fastest")[0].size(), 2U) << "ranks and threads";
  EXPECT_TRUE(fit.at("cheapest").at("ranks").is_number());
  double sum = 0;
  for (const auto& [name, share] : fit.at("loss").items()) sum += share.get<double>();
  EXPECT_NEAR(sum, 1, 1e-9);
  expect_interval(fit.at("prediction"));
  EXPECT_EQ(fit.at("prediction").at("ranks"), 64);
  EXPECT_EQ(fit.at("prediction").at("threads"), 16);
  EXPECT_NEAR(fit.at("prediction").at("value").get<double>(), 100 * (0.02 + 0.98 / 64 * (0.1 + 0.9 / 16)), 0.1);
  EXPECT_FALSE(json_of(study).contains("prediction"));
}

TEST(FitReportTest, WeakScalingIsGustafsons) {
  const auto study = test::made_up(*find_model("gustafson"), {0.05, 100, 0}, test::grid(64, 1), {}, 1);
  const auto fit = json_of(study);
  ASSERT_EQ(fit.at("models").size(), 1U);
  expect_interval(fit.at("models").at("gustafson").at("serial_fraction"));
  EXPECT_EQ(fit.at("chosen"), "gustafson");
  EXPECT_NE(text_report(analyse(study, "auto", {}, quick), study, "w.h5").find("scaled"), std::string::npos);
}

TEST(FitReportTest, UnresolvedIsNull) {
  const auto study = test::made_up(*find_model("amdahl"), {0.1, 10, 0}, {{1, 1, 1}, {2, 1, 1}}, {}, 1);
  const auto fit = json_of(study, "auto", Layout{8, 1, 1});
  EXPECT_TRUE(fit.at("chosen").is_null());
  EXPECT_TRUE(fit.at("prediction").is_null());
  expect_interval(fit.at("models").at("amdahl").at("serial_fraction"));
  EXPECT_TRUE(fit.at("not_fitted").contains("usl"));
  const auto text = text_report(analyse(study, "auto", Layout{8, 1, 1}, quick), study, "s.h5");
  EXPECT_NE(text.find("not resolved: "), std::string::npos) << text;
  EXPECT_NE(text.find("no prediction"), std::string::npos) << text;
}

TEST(FitReportTest, NothingCounts) {
  auto study = hybrid();
  for (auto& sample : study.samples) sample.status = SampleStatus::failed;
  const auto fit = json_of(study, "auto", Layout{8, 1, 1});
  EXPECT_TRUE(fit.at("models").empty());
  EXPECT_TRUE(fit.at("chosen").is_null());
  EXPECT_TRUE(fit.at("fastest").empty());
  EXPECT_TRUE(fit.at("cheapest").is_null());
  EXPECT_TRUE(fit.at("loss").is_null());
  for (const auto& row : fit.at("layouts")) EXPECT_TRUE(row.at("median_s").is_null());
  EXPECT_NE(text_report(analyse(study, "auto", {}, quick), study, "s.h5").find("no layout counts"), std::string::npos);
  EXPECT_TRUE(json_of({}).at("layouts").empty());
}

TEST(FitReportTest, ALawThatIsAskedFor) {
  const auto study = hybrid();
  const auto fit = json_of(study, "usl", Layout{64, 16, 1});
  EXPECT_EQ(fit.at("chosen"), "usl");
  EXPECT_NE(fit.at("why").get<std::string>().find("requested; on its own two-level would be chosen"),
            std::string::npos);
  EXPECT_FALSE(fit.at("prediction").is_null());
  const auto weak = test::error_of([&] { analyse(study, "gustafson", {}, quick); });
  ASSERT_TRUE(weak);
  EXPECT_EQ(weak->kind(), ErrorKind::usage);
  EXPECT_TRUE(test::says(*weak, "it is for weak scaling and this study is strong"));
  const auto small = test::made_up(*find_model("amdahl"), {0.1, 10, 0}, {{1, 1, 1}, {2, 1, 1}}, {}, 1);
  const auto too_few = test::error_of([&] { analyse(small, "usl", {}, quick); });
  ASSERT_TRUE(too_few);
  EXPECT_TRUE(test::says(*too_few, "--model usl can't be fitted to this study (its 3 parameters need 3 different"));
}

TEST(FitReportTest, TextHasEveryPart) {
  auto study = hybrid();
  study.info.command = "./miniapp";
  for (auto& sample : study.samples) {
    sample.wall_s *= sample.layout == Layout{8, 1, 1} && sample.repeat == 2 ? 1.5 : 1;
    sample.phases.serial_s = 2;
  }
  const auto text = text_report(analyse(study, "auto", Layout{64, 16, 1}, quick), study, "s.h5");
  for (const char* part : {"paceline fit: s.h5", "./miniapp", "110 runs of 22 layouts count, 22 warm-ups", "% a run",
                           "8 x 1, repeat 2", "process_fraction", "two-level: ", "T(r,t) = ",
                           "measured from the phases 0.0", "core-seconds at", "64 x 16: ", "advice    use "}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

}  // namespace
}  // namespace paceline
