// Is the law that made the times the one that is chosen, and is nothing chosen when they can't tell?
#include "study/fit/choose.hpp"

#include <map>

#include <gtest/gtest.h>

#include <study/synthetic.hpp>

namespace paceline {
namespace {

Choice choice_of(const Study& study, std::vector<ModelFit>& fits) {
  const auto times = study_times(study);
  for (const auto& model : models()) {
    if (model.mode != study.info.mode) continue;
    auto result = fit_model(model, times, {200, 1});
    if (auto* fit = std::get_if<ModelFit>(&result)) fits.push_back(std::move(*fit));
  }
  return choose(fits, times);
}

std::string chosen(const Study& study) {
  std::vector<ModelFit> fits;
  const auto choice = choice_of(study, fits);
  EXPECT_FALSE(choice.why.empty());
  return choice.chosen ? std::string(fits[*choice.chosen].model->name) : "none: " + choice.why;
}

/// How often each law is chosen for studies of 5 repeats with 2 % noise.
std::map<std::string, int> chosen_often(const char* law, const Values& values, const std::vector<Layout>& layouts) {
  std::map<std::string, int> counts;
  for (std::uint64_t i = 0; i < 50; ++i) ++counts[chosen(test::made_up(*find_model(law), values, layouts, {}, i))];
  return counts;
}

TEST(ChooseTest, TheLawThatMadeTheTimes) {
  EXPECT_GE(chosen_often("amdahl", {0.05, 10, 0}, test::grid(64, 4))["amdahl"], 42);
  EXPECT_GE(chosen_often("usl", {0.05, 0.001, 10}, test::grid(64, 1))["usl"], 45);
  EXPECT_GE(chosen_often("two-level", {0.98, 0.8, 10}, test::grid(64, 8))["two-level"], 45);
  EXPECT_GE(chosen_often("gustafson", {0.05, 10, 0}, test::grid(64, 4))["gustafson"], 45);
}

TEST(ChooseTest, TheReasonNamesTheOthers) {
  std::vector<ModelFit> fits;
  const auto choice = choice_of(test::made_up(*find_model("usl"), {0.05, 0.001, 10}, test::grid(64, 1), {}, 1), fits);
  EXPECT_NE(choice.why.find("amdahl is less likely (AICc"), std::string::npos) << choice.why;
}

TEST(ChooseTest, NotResolvedWhereNoLawCanBeWrong) {
  const auto& amdahl = *find_model("amdahl");
  EXPECT_EQ(chosen(test::made_up(amdahl, {0.1, 10, 0}, {}, {}, 1)), "none: no run counts");
  EXPECT_EQ(chosen(test::made_up(amdahl, {0.1, 10, 0}, {{4, 1, 1}}, {}, 1)),
            "none: layouts with different numbers of cores are needed");
  EXPECT_EQ(chosen(test::made_up(amdahl, {0.1, 10, 0}, {{1, 1, 1}, {2, 1, 1}}, {}, 1)).substr(0, 15),
            "none: 2 layouts");
  EXPECT_EQ(chosen(test::made_up(amdahl, {0.1, 10, 0}, {{1, 1, 1}, {2, 1, 1}, {1, 2, 1}}, {}, 1)), "amdahl");
}

TEST(ChooseTest, NotResolvedInHopelessNoise) {
  int resolved = 0;
  for (std::uint64_t i = 0; i < 50; ++i) {
    const auto study = test::made_up(*find_model("amdahl"), {0.5, 10, 0}, {{1, 1, 1}, {2, 1, 1}, {1, 2, 1}},
                                     {.repeats = 3, .noise = 0.6}, i);
    resolved += chosen(study).starts_with("none") ? 0 : 1;
  }
  EXPECT_LE(resolved, 15);
}

TEST(ChooseTest, NotResolvedWhereNoLawIsNear) {
  auto study = test::made_up(*find_model("amdahl"), {0.1, 10, 0}, test::grid(64, 1), {.noise = 0.01}, 3);
  for (auto& sample : study.samples)
    sample.wall_s *= sample.layout.ranks == 8 ? 3 : sample.layout.ranks == 16 ? 0.5 : 1;
  EXPECT_NE(chosen(study).find("far more than their noise"), std::string::npos) << chosen(study);
}

/// A fit that says what it is told to.
ModelFit made(const char* law, double aicc, const Values& values) {
  ModelFit fit;
  fit.model = find_model(law);
  fit.values = values;
  for (std::size_t k = 0; k < fit.model->size(); ++k) fit.parameters.push_back({values[k], values[k], values[k]});
  fit.aicc = aicc;
  fit.is_testable = true;
  fit.replicates.assign(10, values);
  return fit;
}

TEST(ChooseTest, LawsThatAreNotTestedMayStillBeRight) {
  const auto study =
      test::made_up(*find_model("two-level"), {0.8, 0.3, 10}, {{1, 1, 1}, {2, 1, 1}, {1, 2, 1}}, {.noise = 0.001}, 1);
  const auto why = chosen(study);
  EXPECT_TRUE(why.starts_with("none: even the best law, amdahl, misses layouts by ")) << why;
  EXPECT_TRUE(why.ends_with("; more than 3 layouts are needed to test two-level")) << why;
}

TEST(ChooseTest, LawsAsLikelyMustAgree) {
  const auto times = study_times(test::made_up(*find_model("amdahl"), {0.1, 10, 0}, test::grid(16, 2), {}, 1));
  // Fewer parameters win as long as the larger law says the same.
  std::vector<ModelFit> agree = {made("amdahl", -10, {0.1, 10, 0}), made("usl", -11.5, {0.1, 0, 10})};
  EXPECT_EQ(choose(agree, times).chosen, 0U);
  std::vector<ModelFit> disagree = {made("amdahl", -10, {0.1, 10, 0}), made("usl", -11.5, {0.1, 0.01, 10})};
  const auto choice = choose(disagree, times);
  EXPECT_FALSE(choice.chosen);
  EXPECT_NE(choice.why.find("amdahl and usl are as likely (AICc within 1.5) and disagree on"), std::string::npos)
      << choice.why;
  // Beyond 2 the better one is believed, whatever the other says.
  disagree[1].aicc = -13;
  EXPECT_EQ(choose(disagree, times).chosen, 1U);
}

TEST(ChooseTest, AFractionThatMayBeAnythingIsNotResolved) {
  const auto times = study_times(test::made_up(*find_model("amdahl"), {0.1, 10, 0}, test::grid(16, 2), {}, 1));
  std::vector<ModelFit> fits = {made("amdahl", -10, {0.1, 10, 0})};
  fits[0].parameters[0] = {0.1, 0.01, 0.99};
  EXPECT_FALSE(choose(fits, times).chosen);
  fits[0].parameters[0] = {0.1, 0.01, 0.5};
  EXPECT_TRUE(choose(fits, times).chosen);
}

}  // namespace
}  // namespace paceline
