#include "cli/documents.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <paceline/error.hpp>

#include "cli/completion.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

/// A line of text that is nothing but text to roff: man(7).
std::string plain(const std::string& line) {
  std::string text;
  for (const char c : line) {
    if (c == '\\') {
      text += "\\e";
    } else if (c == '-') {
      text += "\\-";  // else it may become a hyphen, which nobody can paste into a shell
    } else if (c == '\'') {
      text += "\\(aq";
    } else if (c == '`') {
      text += "\\(ga";
    } else {
      text += c;
    }
  }
  return text.starts_with('.') ? "\\&" + text : text;
}

/// Lines flow into paragraphs; what is indented stays as it is.
std::string paragraphs(const std::string& text) {
  std::string page;
  std::istringstream lines(text);
  bool is_table = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(' ') != is_table) {
      is_table = !is_table;
      page += is_table ? ".PP\n.nf\n" : ".fi\n.PP\n";
    }
    page += plain(line) + "\n";
  }
  return page + (is_table ? ".fi\n" : "");
}

std::string head(const std::string& name, const std::string& summary) {
  std::string title;
  for (const char c : name) title += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return fmt::format(".TH {} 1 \"\" \"Paceline {}\" \"Paceline\"\n.SH NAME\n{} \\- {}\n", plain(title),
                     PACELINE_VERSION, plain(name), plain(summary));
}

std::string exit_status() { return ".SH EXIT STATUS\n" + paragraphs(exit_codes_text()); }

std::string option_entry(const Option& option) {
  std::string names;
  for (const auto& name : names_of(option)) {
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", plain(name));
  }
  if (is_positional(option)) names = fmt::format("\\fI{}\\fR", plain(shown_form(option)));
  if (!is_positional(option) && value_kind(option) != ValueKind::none) {
    names += fmt::format(" \\fI{}\\fR", plain(shown_form(option)));
  }
  return fmt::format(".TP\n{}\n{}{}.\n", names, plain(option.help), option.is_required ? " (required)" : "");
}

std::string synopsis(const CommandText& command) {
  auto text = fmt::format(".SH SYNOPSIS\n\\fBpaceline {}\\fR [\\fIoptions\\fR]", plain(command.name));
  for (const auto& option : command.options.options()) {
    if (is_positional(option)) text += fmt::format(" \\fI{}\\fR", plain(shown_form(option)));
  }
  if (!command.operand.empty()) text += fmt::format(" \\-\\- \\fI{}\\fR", plain(command.operand));
  return text + "\n";
}

void write(const fs::path& path, const std::string& text) {
  std::error_code code;
  fs::create_directories(path.parent_path(), code);
  std::ofstream file(path);
  file << text;
  file.close();
  if (!file) {
    throw Error(ErrorKind::output, fmt::format("can't write {}", path.string()), std::strerror(errno),
                "choose a folder that is yours to write");
  }
}

}  // namespace

std::string manual_page(const std::vector<CommandText>& commands) {
  auto page = head("paceline", "run, measure and model hybrid MPI + OpenMP scaling");
  page +=
      ".SH SYNOPSIS\n\\fBpaceline\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n.br\n\\fBmpirun \\-np\\fR \\fIN\\fR "
      "\\fBpaceline\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n.SH COMMANDS\n";
  std::string group, pages;
  for (const auto& command : commands) {
    if (command.group.empty()) continue;
    if (command.group != group) page += fmt::format(".SS {}\n", plain(command.group));
    group = command.group;
    page += fmt::format(".TP\n\\fB{}\\fR\n{}.\n", plain(command.name), plain(command.summary));
    pages += fmt::format("{}\\fBpaceline\\-{}\\fR(1)", pages.empty() ? "" : ",\n", plain(command.name));
  }
  return page + exit_status() + ".SH SEE ALSO\n" + pages + "\n";
}

std::string manual_page(const CommandText& command) {
  auto page = head("paceline-" + command.name, command.summary) + synopsis(command);
  if (!command.more.empty()) page += ".SH DESCRIPTION\n" + paragraphs(command.more);
  page += ".SH OPTIONS\n";
  for (const auto& option : command.options.options()) page += option_entry(option);
  page += ".TP\n\\fB\\-\\-help\\fR\nlist the options.\n";
  return page + exit_status() + ".SH SEE ALSO\n\\fBpaceline\\fR(1)\n";
}

void write_documents(const fs::path& folder, const std::vector<CommandText>& commands) {
  write(folder / "man/man1/paceline.1", manual_page(commands));
  for (const auto& command : commands) {
    if (!command.group.empty()) {
      write(folder / fmt::format("man/man1/paceline-{}.1", command.name), manual_page(command));
    }
  }
  write(folder / "bash-completion/completions/paceline", completion_script("bash", commands));
  write(folder / "zsh/site-functions/_paceline", completion_script("zsh", commands));
  write(folder / "fish/vendor_completions.d/paceline.fish", completion_script("fish", commands));
}

}  // namespace paceline
