// A command as data: what --help, the manual, completion and the reader of command lines are all made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "workloads/option_set.hpp"

namespace paceline {

struct CommandText {
  std::string name;
  std::string summary;       ///< without a capital and a full stop
  std::string group;         ///< what people do with it, as a heading; empty: it is nobody's command, and hidden
  std::string more = {};     ///< paragraphs below the options
  std::string operand = {};  ///< what stands behind --, "COMMAND ..."; empty: nothing does
  OptionSet options = {};
};

/// Headings of `paceline --help`, in their order.
namespace groups {
constexpr const char* compute = "Compute, on ranks x threads";
constexpr const char* measure = "Measure how a program scales";
constexpr const char* conclude = "Say what follows from it";
constexpr const char* look = "Look at the installation";
}  // namespace groups

/// Lines below the commands of `paceline --help`, and in each manual page: when to expect which exit code.
std::string exit_codes_text();

/// What an option is given, by the words that --help shows of it: "FILE.h5", "N (8)", "a|b (a)".
enum class ValueKind {
  none,  ///< it is a flag
  file,
  name,  ///< one of a few, which values_of() lists
  text
};
ValueKind value_kind(const Option& option);
/// The names that an option may be given.
std::vector<std::string> values_of(const Option& option);
/// Ends of files' names that it may be given, without a dot: "h5 csv"; any file when there are none.
std::vector<std::string> endings_of(const Option& option);
/// The value and its default as --help shows them: "N (4000)"; empty for a flag.
std::string shown_form(const Option& option);
/// May it be given several values, one after the other?
bool takes_many(const Option& option);
/// Is it an option with a name, or what stands between them?
bool is_positional(const Option& option);
/// Its names: {"-o", "--output"}
std::vector<std::string> names_of(const Option& option);

}  // namespace paceline
