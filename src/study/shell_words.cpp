#include "study/shell_words.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <paceline/error.hpp>

namespace paceline {

std::string quoted(const std::string& word) {
  const bool is_plain = !word.empty() && word.find_first_of(" \t\n'\"\\$`*?[]{}()<>|&;#~!") == std::string::npos;
  if (is_plain) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  text += '\'';
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) {
    if (!line.empty()) line += ' ';
    line += quoted(word);
  }
  return line;
}

std::vector<std::string> split_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool is_in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool is_escape = c == '\\' && quote != '\'' && i + 1 < line.size();
    if (is_escape && (quote == 0 || line[i + 1] == '"' || line[i + 1] == '\\')) {
      word += line[++i];
      is_in_word = true;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      is_in_word = true;
    } else if (quote == 0 && (c == ' ' || c == '\t' || c == '\n')) {
      if (is_in_word) words.push_back(word);
      word.clear();
      is_in_word = false;
    } else {
      word += c;
      is_in_word = true;
    }
  }
  if (quote != 0) {
    throw Error(ErrorKind::usage, fmt::format("can't split {}", line), fmt::format("a {} is never closed", quote),
                "close the quote");
  }
  if (is_in_word) words.push_back(word);
  return words;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
  return text;
}

std::string with_values(const std::string& word, const Placeholders& values) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string text;
  for (std::size_t at = 0; at < word.size(); ++at) {
    auto end = at + 1;
    while (end < word.size() && (is_letter(word[end]) || (end > at + 1 && is_digit(word[end])))) ++end;
    if (word[at] != '{' || end == at + 1 || end == word.size() || word[end] != '}') {
      text += word[at];
      continue;
    }
    const auto name = word.substr(at + 1, end - at - 1);
    const char before = at > 0 ? word[at - 1] : ' ';
    const auto value = std::find_if(values.begin(), values.end(), [&](const auto& one) { return one.first == name; });
    if (before == '{' && end + 1 < word.size() && word[end + 1] == '}') {
      text += name + '}';
      ++end;
    } else if (value != values.end()) {
      text += value->second;
    } else if (before == '$') {
      text += '{' + name + '}';  // a shell's variable
    } else {
      std::vector<std::string> names;
      for (const auto& one : values) names.push_back('{' + one.first + '}');
      throw Error(ErrorKind::usage, fmt::format("{{{}}} is not a placeholder", name),
                  fmt::format("there are {}", fmt::join(names, " ")),
                  fmt::format("for braces that stay write {{{{{}}}}}", name));
    }
    at = end;
  }
  return text;
}

std::string filled_in(std::string word, const Layout& layout) {
  word = replaced(std::move(word), "{ranks}", std::to_string(layout.ranks));
  word = replaced(std::move(word), "{threads}", std::to_string(layout.threads));
  word = replaced(std::move(word), "{nodes}", std::to_string(layout.nodes));
  return replaced(std::move(word), "{scale}", std::to_string(layout.cores()));
}

std::vector<std::string> filled_in(std::vector<std::string> words, const Layout& layout) {
  for (auto& word : words) word = filled_in(std::move(word), layout);
  return words;
}

std::string to_string(const Layout& layout) {
  const auto text = fmt::format("{} x {}", layout.ranks, layout.threads);
  return layout.nodes == 1 ? text : fmt::format("{} on {} nodes", text, layout.nodes);
}

}  // namespace paceline
