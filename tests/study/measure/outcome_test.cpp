// What runs say -> samples: records, regular expressions, failures, and digests that differ.
#include "study/measure/outcome.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <csignal>

#include <support.hpp>

namespace paceline {
namespace {

StudyOptions of_command(std::vector<std::string> command, std::string time = {}, std::string digest = {}) {
  StudyOptions options;
  options.command = std::move(command);
  options.time_regex = std::move(time);
  options.digest_regex = std::move(digest);
  return options;
}

ProcessResult said(std::string out, std::string err = {}, int code = 0) {
  ProcessResult result;
  result.code = code;
  result.wall_s = 2.5;
  result.out = std::move(out);
  result.err = std::move(err);
  return result;
}

struct Read {
  Sample sample;
  std::string trouble;
};

Read read(const StudyOptions& options, const ProcessResult& result) {
  Read all;
  all.sample.layout = {2, 3, 1};
  all.trouble = RunReader(options).read(result, all.sample);
  return all;
}

const std::string record =
    R"({"workload":"fractal","ranks":2,"threads":3,"digest":"ab12","wall_s":1.5,"phases":{"init":0.1,"plan":0.2,)"
    R"("scatter":0.3,"compute":0.4,"gather":0.5,"write":0.6},"compute_mean_s":0.35,"serial_s":0.05})"
    "\n";

TEST(Weak, IsDoubtfulWithoutScale) {
  auto options = of_command({"app", "-n", "{threads}"});
  EXPECT_FALSE(may_lack_scale(options)) << "strong";
  options.mode = ScalingMode::weak;
  EXPECT_TRUE(may_lack_scale(options));
  options.launcher = "env SIZE={scale} {command}";
  EXPECT_FALSE(may_lack_scale(options));
  options = of_command({"app", "-n", "{ranks}000"});
  options.mode = ScalingMode::weak;
  EXPECT_FALSE(may_lack_scale(options));
}

TEST(Outcome, IsTheWallTimeOfAnyProgram) {
  const auto [sample, trouble] = read(of_command({"app"}), said("whatever"));
  EXPECT_EQ(trouble, "");
  EXPECT_EQ(sample.status, SampleStatus::ok);
  EXPECT_EQ(sample.wall_s, 2.5);
  EXPECT_TRUE(std::isnan(sample.phases.compute_s));
  EXPECT_EQ(sample.digest, "");
}

TEST(Outcome, IsFoundWithoutTheColoursOfATerminal) {
  const auto options = of_command({"app"}, "total: ([0-9.]+)");
  for (const std::string text : {"\x1b[1mtotal: \x1b[0m1.5 s", "\x1b]0;title\x07total: \x1b[38;5;12m1.5\x1b[m s",
                                 "\x1b[2K\x1b(Btotal: 1.5", "\x1b]8;;http://x\x1b\\total: 1.5"}) {
    const auto [sample, trouble] = read(options, said(text));
    EXPECT_EQ(trouble, "") << text;
    EXPECT_EQ(sample.wall_s, 1.5);
  }
  EXPECT_EQ(without_escapes("plain \xff [1m"), "plain \xff [1m");
  EXPECT_EQ(without_escapes("cut \x1b["), "cut \x1b[");
}

TEST(Outcome, IsFoundInLinearTime) {
  // Backtracking would take longer than anyone has.
  const auto options = of_command({"app"}, "(a*)*total: (\\S+)");
  const auto [sample, trouble] = read(options, said(std::string(20000, 'a') + "\n"));
  EXPECT_EQ(sample.status, SampleStatus::no_time);
}

TEST(Outcome, MayIgnoreAnExitCode) {
  auto options = of_command({"app"}, "total: ([0-9.]+)");
  options.ignored_exit_codes = {3, 4};
  EXPECT_EQ(read(options, said("total: 1.5 s", "", 3)).sample.status, SampleStatus::ok);
  EXPECT_EQ(read(options, said("total: 1.5 s", "", 5)).sample.status, SampleStatus::failed);
}

TEST(Outcome, TellsMemoryOnlyWhenAllRanksWereSeen) {
  auto result = said("x");
  result.has_ranks = true;
  result.rank_rss_bytes = {10, 30};
  const auto both = read(of_command({"app"}), result).sample;
  EXPECT_EQ(both.max_rss_bytes, 30);
  EXPECT_EQ(both.sum_rss_bytes, 40);
  result.rank_rss_bytes = {10};
  EXPECT_EQ(read(of_command({"app"}), result).sample.sum_rss_bytes, -1);
}

TEST(Outcome, IsTheRecordOfOurs) {
  const auto options = of_command({"/opt/bin/paceline", "fractal"});
  const auto [sample, trouble] = read(options, said("a launcher says this\n" + record + "and that\n"));
  EXPECT_EQ(trouble, "");
  EXPECT_EQ(sample.status, SampleStatus::ok);
  EXPECT_EQ(sample.wall_s, 1.5);
  EXPECT_EQ(sample.phases.init_s, 0.1);
  EXPECT_EQ(sample.phases.write_s, 0.6);
  EXPECT_EQ(sample.phases.compute_mean_s, 0.35);
  EXPECT_EQ(sample.phases.serial_s, 0.05);
  EXPECT_EQ(sample.digest, "ab12");
  EXPECT_EQ(RunReader(options).command({"paceline", "fractal"}),
            (std::vector<std::string>{"paceline", "fractal", "--json", "--progress", "never"}));
  EXPECT_EQ(RunReader(options).command({"paceline", "fractal", "--json", "--progress=always"}),
            (std::vector<std::string>{"paceline", "fractal", "--json", "--progress=always"}));
  EXPECT_EQ(read(options, said("no record")).sample.status, SampleStatus::no_time);
  EXPECT_EQ(read(options, said("{\"workload\":\"fract")).sample.status, SampleStatus::no_time);
  auto other = record;
  other.replace(other.find("\"threads\":3"), 11, "\"threads\":1");
  const auto wrong = read(options, said(other));
  EXPECT_EQ(wrong.sample.status, SampleStatus::failed) << "it is a sample of another layout";
  EXPECT_NE(wrong.trouble.find("2 x 1"), std::string::npos) << wrong.trouble;
}

TEST(Outcome, IsFoundByRegularExpressions) {
  const auto options = of_command({"app"}, R"(total: *([0-9.e+-]+) *s)", "checksum ([0-9a-f]+)");
  const auto [sample, trouble] = read(options, said("total: 9 s\ntotal: 1.25e-1 s\nchecksum 00ff\n"));
  EXPECT_EQ(trouble, "");
  EXPECT_EQ(sample.wall_s, 0.125) << "the last one counts";
  EXPECT_EQ(sample.digest, "00ff");
  EXPECT_EQ(read(options, said("checksum 1", "total: 3 s")).sample.wall_s, 3) << "on either output";
  const auto unchecked = read(options, said("total: 3 s"));
  EXPECT_EQ(unchecked.sample.status, SampleStatus::no_time) << "a check that checks nothing";
  EXPECT_TRUE(std::isnan(unchecked.sample.wall_s));
  EXPECT_EQ(unchecked.trouble, "--digest-regex matches nothing in its output");
  for (const char* none :
       {"", "total: s", "total: 1.2.3 s", "total: 0 s", "total: -1 s", "total: 1e999 s", "total: e s"}) {
    const auto found = read(options, said(none));
    EXPECT_EQ(found.sample.status, SampleStatus::no_time) << none;
    EXPECT_TRUE(std::isnan(found.sample.wall_s)) << none;
    EXPECT_NE(found.trouble.find("--time-regex"), std::string::npos);
  }
  // A time that a paceline command is asked for is its own affair.
  const auto ours = of_command({"paceline", "fractal"}, R"("compute":([0-9.]+))");
  EXPECT_EQ(read(ours, said(record)).sample.wall_s, 0.4);
  EXPECT_EQ(RunReader(ours).command({"paceline", "fractal"}).size(), 2U);
  // A line that would exhaust the stack of the library's matcher.
  EXPECT_EQ(read(of_command({"app"}, ".*x(1)"), said(std::string(std::size_t{1} << 20, 'a'))).sample.status,
            SampleStatus::no_time);
}

TEST(Outcome, NeedsExpressionsWithAGroup) {
  for (const char* wrong : {"([0-9", "[0-9]+", "*"}) {
    const auto error = test::error_of([&] { RunReader(of_command({"app"}, wrong)); });
    ASSERT_TRUE(error) << wrong;
    EXPECT_EQ(error->kind(), ErrorKind::usage);
    EXPECT_TRUE(test::error_of([&] { RunReader(of_command({"app"}, {}, wrong)); }));
  }
}

TEST(Outcome, IsAFailureWithItsReason) {
  const auto options = of_command({"app"});
  const auto failed = read(options, said("out\n", "first\nno memory\n \n", 7));
  EXPECT_EQ(failed.sample.status, SampleStatus::failed);
  EXPECT_TRUE(std::isnan(failed.sample.wall_s));
  EXPECT_EQ(failed.trouble, "exit code 7: no memory");
  EXPECT_EQ(read(options, said("only out", "", 1)).trouble, "exit code 1: only out");
  EXPECT_EQ(read(options, said("", "", 1)).trouble, "exit code 1");
  // Our own sentence, not what mpirun adds to it.
  EXPECT_EQ(read(options, said("", "paceline: error: bad (why); do\n-----\nmpirun noticed\n", 2)).trouble,
            "exit code 2: bad (why); do");
  // Nor its banner when the program is not ours.
  const std::string dashes(74, '-');
  const auto banner = dashes + "\nPrimary job  terminated normally, but 1 process returned\na non-zero exit code.\n" +
                      dashes + "\n" + dashes + "\nmpirun detected that one or more processes exited with non-zero " +
                      "status:\n\n  Process name: [[1,1],0]\n  Exit code:    3\n" + dashes + "\n";
  EXPECT_EQ(read(options, said("", "no licence\n" + banner, 3)).trouble, "exit code 3: no licence");
  EXPECT_EQ(read(options, said("out of luck\n", banner, 3)).trouble, "exit code 3: out of luck");
  EXPECT_EQ(read(options, said("", banner, 3)).trouble, "exit code 3");
  EXPECT_EQ(read(options, said("", dashes + "\nThere are not enough slots\n" + dashes + "\n", 1)).trouble,
            "exit code 1: There are not enough slots")
      << "what only the launcher has to say";
  auto result = said("");
  result.end = ProcessResult::End::killed;
  result.code = SIGSEGV;
  EXPECT_NE(read(options, result).trouble.find("signal 11"), std::string::npos);
  result.end = ProcessResult::End::timed_out;
  EXPECT_EQ(read(options, result).sample.status, SampleStatus::timed_out);
}

Sample with_digest(const Layout& layout, const std::string& digest, SampleStatus status = SampleStatus::ok) {
  Sample sample;
  sample.layout = layout;
  sample.digest = digest;
  sample.status = status;
  return sample;
}

TEST(Digests, MustAgree) {
  const Layout a{1, 1, 1}, b{2, 1, 1};
  const auto strong = ScalingMode::strong, weak = ScalingMode::weak;
  EXPECT_EQ(digest_trouble(strong, {}), "");
  EXPECT_EQ(digest_trouble(strong, {with_digest(a, "1"), with_digest(b, "1"), with_digest(b, "")}), "");
  EXPECT_EQ(digest_trouble(strong, {with_digest(a, "1"), with_digest(b, "2", SampleStatus::failed)}), "");
  EXPECT_EQ(digest_trouble(strong, {with_digest(a, "1"), with_digest(b, "2"), with_digest(a, "1")}),
            "1 of 1 x 1; 2 of 2 x 1");
  EXPECT_EQ(digest_trouble(weak, {with_digest(a, "1"), with_digest(b, "2")}), "") << "more work, another result";
  EXPECT_EQ(digest_trouble(weak, {with_digest(a, "1"), with_digest(b, "2"), with_digest(b, "3")}),
            "2 of 2 x 1; 3 of 2 x 1");
}

}  // namespace
}  // namespace paceline
