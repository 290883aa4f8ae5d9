#include "workloads/option_set.hpp"

#include <gtest/gtest.h>

namespace paceline {
namespace {

enum class Colour { red, green };

TEST(OptionSet, KeepsWhatIsSaidOfEach) {
  bool flag = true;
  std::int64_t number = 7;
  double share = 0.5;
  OptionSet set;
  auto& first = set.add("--number", number, "a number").from(1, 9).shown("N (7)").excludes("--share");
  set.add("--share", share, "a share").between(0, 1);
  set.add("--no-flag", flag, "no flag").sets(false);
  set.add("file", number, "a size").as_size().required();
  const auto& options = set.options();
  ASSERT_EQ(options.size(), 4U);
  EXPECT_EQ(&options[0], &first) << "none moves when more are added";
  EXPECT_EQ(options[0].name, "--number");
  EXPECT_EQ(options[0].help, "a number");
  EXPECT_EQ(options[0].shown_value, "N (7)");
  EXPECT_EQ(options[0].whole_range, (std::pair<std::int64_t, std::int64_t>(1, 9)));
  EXPECT_EQ(options[0].excluded, std::vector<std::string>{"--share"});
  EXPECT_EQ(std::get<std::int64_t*>(options[0].target), &number);
  EXPECT_EQ(options[1].real_range, (std::pair<double, double>(0, 1)));
  EXPECT_FALSE(options[1].whole_range || options[1].is_size || options[1].is_required);
  EXPECT_EQ(std::get<bool*>(options[2].target), &flag);
  EXPECT_FALSE(options[2].flag_value);
  EXPECT_TRUE(options[3].is_size && options[3].is_required);
  EXPECT_EQ(number, 7) << "declaring changes nothing";
}

TEST(OptionSet, ChoosesByName) {
  auto colour = Colour::red;
  OptionSet set;
  set.add_choice("--colour", colour, {{"red", Colour::red}, {"green", Colour::green}}, "which");
  const auto& option = set.options().front();
  EXPECT_EQ(option.names, (std::vector<std::string>{"green", "red"}));
  std::get<std::function<void(const std::string&)>>(option.target)("green");
  EXPECT_EQ(colour, Colour::green);
}

}  // namespace
}  // namespace paceline
