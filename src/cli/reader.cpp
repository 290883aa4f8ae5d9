#include "cli/reader.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/nearest.hpp"

namespace paceline {
namespace {

/// Usage lines have what stands behind --.
class Formatter : public CLI::Formatter {
 public:
  explicit Formatter(const std::vector<CommandText>& commands) {
    column_width(34);
    for (const auto& command : commands) operands_[command.name] = command.operand;
  }

  std::string make_usage(const CLI::App* app, std::string name) const override {
    auto text = CLI::Formatter::make_usage(app, std::move(name));
    const auto found = operands_.find(app->get_name());
    if (found == operands_.end() || found->second.empty()) return text;
    return text.insert(text.find_last_not_of('\n') + 1, " -- " + found->second);
  }

 private:
  std::map<std::string, std::string> operands_;
};

/// What CLI11 says in several lines, in one.
std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

CLI::Option* declare(CLI::App& app, const Option& option) {
  using Words = std::vector<std::string>;
  return std::visit(
      [&]<class Target>(const Target& target) -> CLI::Option* {
        if constexpr (std::is_same_v<Target, bool*>) {
          return app.add_flag_callback(
              option.name, [target, value = option.flag_value] { *target = value; }, option.help);
        } else if constexpr (std::is_same_v<Target, std::function<void(const std::string&)>>) {
          return app.add_option_function<std::string>(option.name, target, option.help);
        } else if constexpr (std::is_same_v<Target, std::function<void(const Words&)>>) {
          return app.add_option_function<Words>(option.name, target, option.help);
        } else {
          return app.add_option(option.name, *target, option.help);
        }
      },
      option.target);
}

/// Of every option: an empty value is a slip of a script and not "not given", and 010 is ten.
void read_values_plainly(CLI::Option& option) {
  const auto type = option.get_type_name();
  const bool is_whole = type.starts_with("INT") || type.starts_with("UINT");
  option.transform(CLI::Validator(
      [is_whole](std::string& text) {
        if (text.empty()) return std::string("the value is empty");
        if (!is_whole) return std::string();
        // CLI11 would take a number that begins with 0 for an octal one.
        const std::size_t first = text[0] == '-' || text[0] == '+' ? 1 : 0;
        const auto digit = std::min(text.find_first_not_of('0', first), text.size());
        const bool is_number = digit < text.size() && text[digit] >= '1' && text[digit] <= '9';
        if (is_number) text.erase(first, digit - first);
        return std::string();
      },
      ""));
}

/// "x is not one of a, b", and which of them was meant.
std::string why_no_name(const std::string& text, const std::vector<std::string>& names) {
  if (std::find(names.begin(), names.end(), text) != names.end()) return {};
  const auto meant = nearest(text, names);
  return fmt::format("{} is not one of {}{}", text, fmt::join(names, ", "),
                     meant ? fmt::format(", did you mean {}?", *meant) : "");
}

void add(CLI::App& app, const Option& option) {
  auto* added = declare(app, option);
  if (option.whole_range) added->check(CLI::Range(option.whole_range->first, option.whole_range->second));
  if (option.real_range) added->check(CLI::Range(option.real_range->first, option.real_range->second));
  if (option.is_size) added->transform(CLI::AsSizeValue(false));
  if (option.is_required) added->required();
  if (!option.names.empty()) {
    added->check(CLI::Validator([names = option.names](std::string& text) { return why_no_name(text, names); }, ""));
  }
  if (option.why_wrong) {
    added->check(CLI::Validator([check = option.why_wrong](std::string& text) { return check(text); }, ""));
  }
  const bool is_flag = added->get_expected_min() == 0;
  if (is_flag) return;
  added->option_text(shown_form(option));
  read_values_plainly(*added);
}

void add(CLI::App& app, const CommandText& command) {
  auto* sub = app.add_subcommand(command.name, command.summary);
  sub->group(command.group);
  for (const auto& option : command.options.options()) add(*sub, option);
  for (const auto& option : command.options.options()) {
    for (const auto& other : option.excluded) sub->get_option(option.name)->excludes(sub->get_option(other));
  }
  if (!command.more.empty()) sub->footer(command.more);
}

std::vector<std::string> names_in(const CommandText& command) {
  std::vector<std::string> names = {"--help"};
  for (const auto& option : command.options.options()) {
    if (is_positional(option)) continue;
    for (auto& name : names_of(option)) names.push_back(std::move(name));
  }
  return names;
}

const CommandText* find(const std::vector<CommandText>& commands, const CLI::App& app) {
  const auto used = app.get_subcommands();
  if (used.empty()) return nullptr;
  const auto found = std::find_if(commands.begin(), commands.end(),
                                  [&](const auto& command) { return command.name == used.front()->get_name(); });
  return found == commands.end() ? nullptr : &*found;
}

/// What nobody expects, and what was perhaps meant.
Error extra_words(const CommandText* command, const std::vector<std::string>& words, const std::string& why,
                  const std::string& hint) {
  const auto error = usage_error(command == nullptr ? "" : command->name, why + hint);
  if (command == nullptr) return error;
  for (const auto& word : words) {
    const auto name = word.substr(0, word.find('='));
    if (!name.starts_with("-")) continue;
    const auto meant = nearest(name, names_in(*command));
    if (!meant) continue;
    return {ErrorKind::usage, "wrong command line", fmt::format("there is no option {}{}", name, hint),
            fmt::format("did you mean {}? `paceline {} --help` lists the options", *meant, command->name)};
  }
  return error;
}

Error no_command(const std::vector<CommandText>& commands, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& command : commands) {
    if (!command.group.empty()) names.push_back(command.name);
  }
  const auto meant = nearest(word, names);
  return {ErrorKind::usage, "wrong command line", fmt::format("there is no command {}", word),
          (meant ? fmt::format("did you mean {}? ", *meant) : "") + "`paceline --help` lists the commands"};
}

}  // namespace

Error usage_error(const std::string& command, const std::string& why) {
  return {ErrorKind::usage, "wrong command line", one_line(why),
          fmt::format("`paceline {}--help` lists the {}", command.empty() ? "" : command + " ",
                      command.empty() ? "commands" : "options")};
}

ReadLine read(const std::vector<CommandText>& commands, const std::vector<std::string>& words,
              const std::string& hint) {
  CLI::App app("Runs, measures and models hybrid MPI + OpenMP scaling.", "paceline");
  app.set_version_flag("--version", "paceline " PACELINE_VERSION);
  app.require_subcommand(1);
  app.formatter(std::make_shared<Formatter>(commands));
  app.footer("`paceline COMMAND --help` lists the options of a command.\n" + exit_codes_text());
  for (const auto& command : commands) add(app, command);
  ReadLine line;
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
    line.command = find(commands, app);
  } catch (const CLI::CallForVersion& version) {
    line.text = version.what() + std::string("\n");
  } catch (const CLI::CallForHelp&) {
    line.text = app.help();
  } catch (const CLI::RequiredError& error) {
    const auto rest = app.remaining();
    if (app.get_subcommands().empty() && !rest.empty()) throw no_command(commands, rest.front());
    const auto* command = find(commands, app);
    throw usage_error(command == nullptr ? "" : command->name, error.what());
  } catch (const CLI::ExtrasError& error) {
    throw extra_words(find(commands, app), app.remaining(true), error.what(), hint);
  } catch (const CLI::ParseError& error) {
    const auto* command = find(commands, app);
    throw usage_error(command == nullptr ? "" : command->name, error.what());
  }
  return line;
}

}  // namespace paceline
