// The options of a study: defaults, values, and where its own words end and the command's begin.
#include "cli/study_options.hpp"

#include <gtest/gtest.h>

#include <parsed.hpp>
#include <support.hpp>

#include "cli/parse.hpp"

namespace paceline {
namespace {

using Words = std::vector<std::string>;

using test::parsed;

StudyOptions study_of(const Words& options, const Words& command = {"app"}) {
  Words words = {"study", "-o", "s.h5"};
  words.insert(words.end(), options.begin(), options.end());
  words.emplace_back("--");
  words.insert(words.end(), command.begin(), command.end());
  auto all = parsed(words);
  EXPECT_EQ(all.kind, Command::Kind::study);
  return all.study;
}

TEST(StudyOptions, HaveTheDefaultsOfTheInterface) {
  const auto study = study_of({});
  EXPECT_EQ(study.output, "s.h5");
  EXPECT_EQ(study.command, Words{"app"});
  EXPECT_EQ(study.ranks, std::vector<int>{1});
  EXPECT_EQ(study.threads, std::vector<int>{1});
  EXPECT_EQ(study.nodes, std::vector<int>{1});
  EXPECT_EQ(study.mode, ScalingMode::strong);
  EXPECT_EQ(study.warmup, 1);
  EXPECT_EQ(study.repeats, 5);
  EXPECT_FALSE(study.until_ci || study.max_minutes);
  EXPECT_EQ(study.timeout_s, 3600);
  EXPECT_EQ(study.launcher, "auto");
  EXPECT_EQ(study.binding, Binding::check);
  EXPECT_FALSE(study.force || study.resume || study.dry_run || study.oversubscribe);
}

TEST(StudyOptions, TakeEveryValue) {
  const auto study = study_of({"--ranks",    "1,2,4",  "--threads",     "2,3",       "--nodes",   "1,2",
                               "--mode",     "weak",   "--warmup",      "0",         "--repeats", "9",
                               "--until-ci", "2.5%",   "--max-minutes", "1.5",       "--timeout", "60",
                               "--seed",     "77",     "--launcher",    "{command}", "--force",   "--oversubscribe",
                               "--binding",  "ignore", "--time-regex",  "t=(.*)",    "--dry-run", "--digest-regex",
                               "d=(.*)"});
  EXPECT_EQ(study.ranks, (std::vector<int>{1, 2, 4}));
  EXPECT_EQ(study.threads, (std::vector<int>{2, 3}));
  EXPECT_EQ(study.nodes, (std::vector<int>{1, 2}));
  EXPECT_EQ(study.mode, ScalingMode::weak);
  EXPECT_EQ(study.warmup, 0);
  EXPECT_EQ(study.repeats, 9);
  EXPECT_DOUBLE_EQ(study.until_ci.value(), 0.025);
  EXPECT_EQ(study.max_minutes, 1.5);
  EXPECT_EQ(study.timeout_s, 60);
  EXPECT_EQ(study.seed, 77U);
  EXPECT_EQ(study.launcher, "{command}");
  EXPECT_EQ(study.binding, Binding::ignore);
  EXPECT_EQ(study.time_regex, "t=(.*)");
  EXPECT_EQ(study.digest_regex, "d=(.*)");
  EXPECT_TRUE(study.force && study.dry_run && study.oversubscribe);
  EXPECT_TRUE(study_of({"--resume"}).resume);
}

TEST(StudyOptions, LeaveTheCommandItsOwn) {
  const Words command = {"sh", "-c", "echo $1", "--", "-o", "--ranks", "fractal", "{ranks}", "[1,2]", "", "--help"};
  EXPECT_EQ(study_of({"--ranks", "2"}, command).command, command);
  EXPECT_EQ(study_of({}, {"paceline", "fractal", "--rows", "7"}).command.size(), 4U);
  EXPECT_EQ(parsed({"study", "-o", "s.h5", "--", "app", "it's"}).study.study_command,
            R"(/usr/bin/paceline study -o s.h5 -- app 'it'\''s')");
}

TEST(StudyOptions, FillPlaceHoldersInBeforeTheyLookAtOurOwnCommand) {
  EXPECT_NO_THROW(study_of({"--ranks", "3"}, {"paceline", "fractal", "--rows", "{ranks}000"}));
  const auto error = test::error_of([] { study_of({}, {"paceline", "fractal", "--rows", "{rank}"}); });
  ASSERT_TRUE(error);
  EXPECT_TRUE(test::says(*error, "--rows")) << error->what();
}

TEST(StudyOptions, WantOurOwnWorkToGrowInWeakMode) {
  const Words weak = {"--mode", "weak", "--ranks", "1,2"};
  for (const char* rows : {"{scale}00", "{ranks}00", "{nodes}00"}) {
    EXPECT_NO_THROW(study_of(weak, {"paceline", "fractal", "--rows", rows})) << rows;
  }
  EXPECT_NO_THROW(study_of(weak, {"app"})) << "who knows";
  EXPECT_NO_THROW(study_of({"--ranks", "1,2"}, {"paceline", "fractal"}));
  const auto error = test::error_of([&] { study_of(weak, {"paceline", "fractal", "--threads", "{threads}"}); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::usage);
  EXPECT_TRUE(test::says(*error, "put {scale}")) << error->what();
}

TEST(StudyOptions, KnowPercentages) {
  EXPECT_DOUBLE_EQ(study_of({"--until-ci", "2 %"}).until_ci.value(), 0.02);
  for (const char* wrong : {"2", "%", "0%", "-1%", "100%", "nan%", "inf%", "2%%", "2%x", "two%"}) {
    const auto error = test::error_of([&] { study_of({"--until-ci", wrong}); });
    ASSERT_TRUE(error) << wrong;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
    EXPECT_TRUE(test::says(*error, "--until-ci")) << error->what();
  }
}

TEST(StudyOptions, RefuseWhatMakesNoSense) {
  const std::vector<std::pair<Words, std::string>> mistakes = {
      {{"--ranks", "1,,2"}, "--ranks: 1,,2 is not a list"},
      {{"--ranks", "1,2,"}, "--ranks: 1,2, is not a list"},
      {{"--ranks", ",1"}, "--ranks: ,1 is not a list"},
      {{"--threads", "0"}, "--threads: 0 is not a list"},
      {{"--threads", "4097"}, "from 1 to 4096"},
      {{"--nodes", "two"}, "--nodes: two is not a list"},
      {{"--nodes", "99999999999"}, "--nodes"},
      {{"--seed", "-1"}, "--seed"},
      {{"--max-minutes", "0"}, "--max-minutes: 0 is not a number of minutes above 0 and up to 525600, a year"},
      {{"--max-minutes", "nan"}, "--max-minutes: nan is not a number"},
      {{"--timeout", "1e300"}, "--timeout: 1e300 is not a number of seconds above 0 and up to 31536000, a year"},
      {{"--timeout", "inf"}, "--timeout: inf is not a number"},
      {{"--timeout", "-1"}, "--timeout"},
      {{"--time-regex", ""}, "--time-regex: the value is empty"},
  };
  for (const auto& [words, part] : mistakes) {
    const auto error = test::error_of([&] { study_of(words); });
    ASSERT_TRUE(error) << part;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
    EXPECT_TRUE(test::says(*error, part)) << error->what();
    EXPECT_LT(std::string(error->what()).size(), 200U) << error->what();
  }
}

TEST(StudyOptions, ReadNumbersInDecimal) {
  const auto study = study_of({"--ranks", "01,010", "--ranks", "16", "--repeats", "010", "--seed", "010"});
  EXPECT_EQ(study.ranks, (std::vector<int>{1, 10, 16}));
  EXPECT_EQ(study.repeats, 10);
  EXPECT_EQ(study.seed, 10U);
}

TEST(StudyOptions, AreHelpedWith) {
  const auto help = parsed({"study", "--help"});
  EXPECT_EQ(help.kind, Command::Kind::text);
  for (const char* part : {"-- COMMAND", "--until-ci", "{scale}", "{command}", "--digest-regex", "(3600)"}) {
    EXPECT_NE(help.text.find(part), std::string::npos) << part << "\n" << help.text;
  }
  EXPECT_EQ(parsed({"--help"}).text.find("probe-binding"), std::string::npos) << "it is nobody's command";
}

TEST(Probe, IsAHiddenCommand) {
  EXPECT_EQ(parsed({"probe-binding"}).kind, Command::Kind::probe);
  EXPECT_FALSE(parsed({"probe-binding"}).probe_starts_mpi);
  EXPECT_TRUE(parsed({"probe-binding", "--mpi"}).probe_starts_mpi);
}

}  // namespace
}  // namespace paceline
