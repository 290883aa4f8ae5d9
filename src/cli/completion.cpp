#include "cli/completion.hpp"

#include <fmt/format.h>

namespace paceline {
namespace {

using Texts = std::vector<std::string>;

std::string replaced(const std::string& text, std::string_view what, std::string_view by) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const bool is_here = std::string_view(text).substr(at).starts_with(what);
    result += is_here ? by : std::string_view(text).substr(at, 1);
    at += is_here ? what.size() : 1;
  }
  return result;
}

/// Inside of quotes 'like these'.
std::string in_quotes(const std::string& text) { return replaced(text, "'", R"('\'')"); }

/// Commands that people use.
std::vector<const CommandText*> shown(const std::vector<CommandText>& commands) {
  std::vector<const CommandText*> found;
  for (const auto& command : commands) {
    if (!command.group.empty()) found.push_back(&command);
  }
  return found;
}

const Option* positional_of(const CommandText& command) {
  for (const auto& option : command.options.options()) {
    if (is_positional(option)) return &option;
  }
  return nullptr;
}

// ---------------------------------------------------------------------------------------------------------------- bash

constexpr const char* bash_begin = R"(# Tab completion of paceline for bash; made by `paceline completion bash`.
_paceline_files() {  # ENDING ...: files that end so, and folders; any file without an ending
  local ending
  compopt -o filenames 2>/dev/null
  if (($# == 0)); then
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
  else
    mapfile -t COMPREPLY < <(
      compgen -d -- "$cur"
      for ending in "$@"; do compgen -f -X "!*.$ending" -- "$cur"; done
    )
  fi
}
_paceline_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur"); }
_paceline() {
  local i cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
  COMPREPLY=()
  if [[ $cur == = ]]; then  # --name=value is three words
    cur=
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
)";

std::string bash_value(const Option& option) {
  switch (value_kind(option)) {
    case ValueKind::name: return fmt::format("_paceline_words '{}'", fmt::join(values_of(option), " "));
    case ValueKind::file: return fmt::format("_paceline_files {}", fmt::join(endings_of(option), " "));
    default: return ":";
  }
}

std::string bash_command(const CommandText& command) {
  auto text = fmt::format("    {})\n      case $before in\n", command.name);
  Texts names = {"--help"};
  for (const auto& option : command.options.options()) {
    if (is_positional(option)) continue;
    for (const auto& name : names_of(option)) names.push_back(name);
    if (value_kind(option) == ValueKind::none) continue;
    text += fmt::format("        {}) {}; return ;;\n", fmt::join(names_of(option), " | "), bash_value(option));
  }
  text += "      esac\n";
  const auto* positional = positional_of(command);
  text += fmt::format("      if [[ $cur == -* ]]; then _paceline_words '{}'; else {}; fi\n      ;;\n",
                      fmt::join(names, " "), positional == nullptr ? ":" : bash_value(*positional));
  return text;
}

std::string bash_script(const std::vector<CommandText>& commands) {
  std::string text = bash_begin;
  Texts names;
  Texts with_operand;
  for (const auto* command : shown(commands)) {
    names.push_back(command->name);
    if (!command->operand.empty()) with_operand.push_back(command->name);
  }
  text += fmt::format(
      "  if ((COMP_CWORD == 1)); then\n    _paceline_words '{} --help --version'\n    return\n  fi\n"
      "  case ${{COMP_WORDS[1]}} in\n    {})\n"
      "      for ((i = 2; i < COMP_CWORD; ++i)); do\n        [[ ${{COMP_WORDS[i]}} == -- ]] || continue\n"
      "        # Another command line begins here.\n"
      "        if declare -F _command_offset >/dev/null; then\n          _command_offset $((i + 1))\n"
      "        elif ((i + 1 == COMP_CWORD)); then\n          mapfile -t COMPREPLY < <(compgen -c -- \"$cur\")\n"
      "        else\n          _paceline_files\n        fi\n        return\n      done\n      ;;\n  esac\n"
      "  case ${{COMP_WORDS[1]}} in\n",
      fmt::join(names, " "), fmt::join(with_operand, " | "));
  for (const auto* command : shown(commands)) text += bash_command(*command);
  return text + "  esac\n}\ncomplete -F _paceline paceline\n";
}

// ----------------------------------------------------------------------------------------------------------------- zsh

std::string zsh_files(const Option& option) {
  const auto endings = endings_of(option);
  return endings.empty() ? "_files" : fmt::format("_files -g \"*.({})(-.)\"", fmt::join(endings, "|"));
}

/// ":MESSAGE:ACTION"
std::string zsh_value(const Option& option) {
  const auto message = replaced(in_quotes(shown_form(option)), ":", "\\:");
  switch (value_kind(option)) {
    case ValueKind::none: return {};
    case ValueKind::name: return fmt::format(":{}:({})", message, fmt::join(values_of(option), " "));
    case ValueKind::file: return fmt::format(":{}:{}", message, zsh_files(option));
    default: return fmt::format(":{}: ", message);
  }
}

std::string zsh_option(const Option& option) {
  if (is_positional(option)) return fmt::format("'{}{}'", takes_many(option) ? "*" : "", zsh_value(option));
  const auto help = replaced(replaced(in_quotes(option.help), "[", "\\["), "]", "\\]");
  const auto value = zsh_value(option);
  const auto names = names_of(option);
  std::string text;
  for (const auto& name : names) {
    text += fmt::format("{}'({}){}{}[{}]{}'", text.empty() ? "" : " ", fmt::join(names, " "), name,
                        value.empty()            ? ""
                        : name.starts_with("--") ? "="
                                                 : "+",
                        help, value);
  }
  return text;
}

std::string zsh_script(const std::vector<CommandText>& commands) {
  std::string text =
      "#compdef paceline\n# Tab completion of paceline for zsh; made by `paceline completion zsh`.\n_paceline() {\n"
      "  local state line\n  local -a commands\n  commands=(\n";
  for (const auto* command : shown(commands)) {
    text += fmt::format("    '{}:{}'\n", command->name, replaced(in_quotes(command->summary), ":", "\\:"));
  }
  text +=
      "  )\n  _arguments -C '(- *)--help[list the commands]' '(- *)--version[print the version]' "
      "'1:command:->command' '*::argument:->rest'\n"
      "  case $state in\n    command) _describe -t commands command commands ;;\n    rest)\n      case $words[1] in\n";
  for (const auto* command : shown(commands)) {
    text += fmt::format("        {})\n          _arguments -s '(- *)--help[list the options]'", command->name);
    for (const auto& option : command->options.options()) text += " \\\n            " + zsh_option(option);
    if (!command->operand.empty()) text += " \\\n            '*::command:_normal'";
    text += "\n          ;;\n";
  }
  return text +
         "      esac\n      ;;\n  esac\n}\n[[ $funcstack[1] == _paceline ]] && _paceline \"$@\" || compdef _paceline "
         "paceline\n";
}

// ---------------------------------------------------------------------------------------------------------------- fish

constexpr const char* fish_begin = R"(# Tab completion of paceline for fish; made by `paceline completion fish`.
function __paceline_first
    test (count (commandline -opc)) -eq 1
end
function __paceline_on
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test $words[2] = $argv[1]; and not contains -- -- $words
end
function __paceline_behind_dashes
    contains -- -- (commandline -opc)
end
complete -c paceline -f
complete -c paceline -n __paceline_behind_dashes -F
complete -c paceline -n __paceline_first -l help -d 'list the commands'
complete -c paceline -n __paceline_first -l version -d 'print the version'
)";

/// Inside of quotes fish has two escapes.
std::string fish_quoted(const std::string& text) {
  return fmt::format("'{}'", replaced(replaced(text, "\\", "\\\\"), "'", "\\'"));
}

/// What is offered; of files, those that end right come first.
std::string fish_offers(const Option& option) {
  if (value_kind(option) == ValueKind::name) return fmt::format(" -a '{}'", fmt::join(values_of(option), " "));
  if (value_kind(option) != ValueKind::file) return {};
  const auto endings = endings_of(option);
  return endings.empty() ? " -F" : fmt::format(" -k -a '(__fish_complete_suffix .{})'", fmt::join(endings, " ."));
}

/// And that it must be followed by a value: by none but these, or by any file.
std::string fish_value(const Option& option) {
  if (value_kind(option) == ValueKind::none) return {};
  const auto offers = fish_offers(option);
  return (offers == " -F" ? " -r" : " -x") + offers;
}

std::string fish_script(const std::vector<CommandText>& commands) {
  std::string text = fish_begin;
  for (const auto* command : shown(commands)) {
    text += fmt::format("complete -c paceline -n __paceline_first -a {} -d {}\n", command->name,
                        fish_quoted(command->summary));
    const auto begin = fmt::format("complete -c paceline -n '__paceline_on {}'", command->name);
    text += begin + " -l help -d 'list the options'\n";
    for (const auto& option : command->options.options()) {
      text += begin;
      if (is_positional(option)) {
        text += fish_offers(option);
        text += fmt::format(" -d {}\n", fish_quoted(option.help));
        continue;
      }
      for (const auto& name : names_of(option)) {
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      }
      text += fmt::format("{} -d {}\n", fish_value(option), fish_quoted(option.help));
    }
  }
  return text;
}

}  // namespace

std::string completion_script(const std::string& shell, const std::vector<CommandText>& commands) {
  return shell == "zsh" ? zsh_script(commands) : shell == "fish" ? fish_script(commands) : bash_script(commands);
}

}  // namespace paceline
