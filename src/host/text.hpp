// What texts are cut into, and how numbers of things are said.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paceline {

/// What lies between separators, one more than there are of these: "a,,b" is "a", "" and "b".
std::vector<std::string> split(std::string_view text, char separator);

/// Without what is `blank` at its ends.
std::string_view trimmed(std::string_view text, std::string_view blank = " \t\r\n");

/// "1 rank", "2 ranks"
std::string plural(std::int64_t count, std::string_view noun);

}  // namespace paceline
