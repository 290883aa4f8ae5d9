// Command lines as words: quoted for a shell, split as one would, with placeholders filled in.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "study/sample.hpp"

namespace paceline {

/// A word quoted where a shell would need it.
std::string quoted(const std::string& word);
/// Words as one line that a shell would split again.
std::string joined(const std::vector<std::string>& words);
/// Splits at blanks; quotes and backslashes work as in a shell, and nothing else does. Throws Error (usage) for a quote
/// that has no end.
std::vector<std::string> split_words(const std::string& line);

/// `{ranks}`, `{threads}`, `{nodes}` and `{scale}` (ranks x threads) replaced by the layout's; other braces stay.
std::string filled_in(std::string word, const Layout& layout);
std::vector<std::string> filled_in(std::vector<std::string> words, const Layout& layout);

/// Names of placeholders and what stands for each.
using Placeholders = std::vector<std::pair<std::string, std::string>>;
/// Each {name} replaced; {{name}} becomes {name}, and a shell's ${other} stays, as braces around anything else do.
/// Throws Error (usage), which lists the names, for another {name}.
std::string with_values(const std::string& word, const Placeholders& values);

/// Every `from` in the text replaced.
std::string replaced(std::string text, const std::string& from, const std::string& to);

/// "2 x 4", or with more than one node "2 x 4 on 2 nodes".
std::string to_string(const Layout& layout);

}  // namespace paceline
