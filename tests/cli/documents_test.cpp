// Manual pages and completion have what --help has, for every command.
#include "cli/documents.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <gtest/gtest.h>

#include "cli/completion.hpp"
#include "cli/parse.hpp"

namespace paceline {
namespace {

TEST(Documents, HaveEveryOptionOfEveryCommand) {
  const auto commands = command_texts();
  ASSERT_GT(commands.size(), 10U);
  const auto all = manual_page(commands);
  const auto bash = completion_script("bash", commands);
  for (const auto& command : commands) {
    if (command.group.empty()) {
      EXPECT_EQ(all.find(command.name), std::string::npos) << command.name << " is nobody's command";
      EXPECT_EQ(bash.find(command.name), std::string::npos) << command.name;
      continue;
    }
    EXPECT_NE(all.find(fmt::format("\\fB{}\\fR", command.name)), std::string::npos) << command.name;
    const auto page = manual_page(command);
    for (const auto& option : command.options.options()) {
      if (is_positional(option)) continue;
      for (const auto& name : names_of(option)) {
        EXPECT_NE(bash.find(name), std::string::npos) << command.name << " " << name;
        std::string roff;
        for (const char c : name) roff += c == '-' ? "\\-" : std::string(1, c);
        EXPECT_NE(page.find("\\fB" + roff + "\\fR"), std::string::npos) << command.name << " " << name;
      }
    }
  }
}

TEST(Documents, AreNothingButTextToRoff) {
  CommandText command{"x", "a - b", groups::look};
  command.more = ".first\n  table 'a'\nback\\slash";
  const auto page = manual_page(command);
  EXPECT_NE(page.find("x \\- a \\- b\n"), std::string::npos) << page;
  EXPECT_NE(page.find("\n\\&.first\n.PP\n.nf\n  table \\(aqa\\(aq\n.fi\n.PP\nback\\eslash\n"), std::string::npos)
      << page;
}

Option option_of(Option::Target target, const std::string& shown, std::vector<std::string> names = {}) {
  Option option;
  option.target = target;
  option.shown_value = shown;
  option.names = std::move(names);
  return option;
}

TEST(Values, AreOfAKindByWhatHelpShows) {
  static std::string text = "x";
  static bool flag = false;
  static std::filesystem::path path;
  static std::int64_t number = 7;
  EXPECT_EQ(value_kind(option_of(&flag, "")), ValueKind::none);
  EXPECT_EQ(value_kind(option_of(&path, "A.h5")), ValueKind::file);
  EXPECT_EQ(value_kind(option_of(&text, "FILE.png")), ValueKind::file);
  EXPECT_EQ(value_kind(option_of(&text, "NAME (a)", {"a", "b"})), ValueKind::name);
  EXPECT_EQ(value_kind(option_of(&text, "private|shared (private)")), ValueKind::name);
  EXPECT_EQ(value_kind(option_of(&number, "")), ValueKind::text);
  EXPECT_EQ(shown_form(option_of(&number, "")), "N (7)");
  using Texts = std::vector<std::string>;
  EXPECT_EQ(values_of(option_of(&text, "auto|extra-p (auto)")), (Texts{"auto", "extra-p"}));
  EXPECT_EQ(values_of(option_of(&text, "C|tab|auto (,)")), Texts{}) << "C is a character";
  EXPECT_EQ(endings_of(option_of(&path, "FILE.png|svg|pdf")), (Texts{"png", "svg", "pdf"}));
  EXPECT_EQ(endings_of(option_of(&text, "FILE.h5:/x,/y|FILE.csv:x,y")), (Texts{"h5", "csv"}));
  EXPECT_EQ(endings_of(option_of(&path, "FILE ...")), Texts{});
}

}  // namespace
}  // namespace paceline
