// What users read on standard error: always one line, whatever is in the names that it tells.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace paceline {

/// Control characters, and bytes that are no UTF-8, as \n, \t, \x1b: a name with a line end stays in its line, and none
/// moves a terminal's cursor.
std::string printable(std::string_view text);

/// "paceline: error: SENTENCE"
void complain(std::string_view sentence);
/// The sentence for an exception that nobody has thought of.
std::string unexpected(const std::exception& error);
/// "paceline: note: SENTENCE"
void note(std::string_view sentence);

}  // namespace paceline
