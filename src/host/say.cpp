#include "host/say.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "host/secrets.hpp"

namespace paceline {
namespace {

/// Bytes of the character that begins `text` (RFC 3629); 0: it is not UTF-8.
std::size_t character_bytes(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  std::uint32_t code = first & (0x7f >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool is_shortest = size == 2 || code >= (size == 3 ? 0x800u : 0x10000u);
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  return is_shortest && !is_surrogate && code <= 0x10ffff ? size : 0;
}

/// C1 controls, and marks that turn the direction of what follows or end a line.
bool is_control(std::string_view character) {
  if (character.size() == 1) return static_cast<std::uint8_t>(character[0]) < 0x20 || character[0] == 0x7f;
  if (character.size() == 2) return character[0] == '\xc2' && static_cast<std::uint8_t>(character[1]) < 0xa0;
  constexpr std::string_view marks[] = {"\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d",
                                        "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
  return std::find(std::begin(marks), std::end(marks), character) != std::end(marks);
}

void tell(const char* kind, std::string_view sentence) {
  const auto line = fmt::format("paceline: {}: {}\n", kind, printable(without_credentials(sentence)));
  // In one call, so that lines of several ranks don't mix. There is nowhere to say that it failed.
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const auto size = character_bytes(text);
    const auto character = text.substr(0, std::max(std::size_t{1}, size));
    text.remove_prefix(character.size());
    if (size > 0 && !is_control(character)) {
      line += character;
    } else if (character == "\n") {
      line += "\\n";
    } else if (character == "\t") {
      line += "\\t";
    } else if (character == "\r") {
      line += "\\r";
    } else {
      for (const char byte : character) line += fmt::format("\\x{:02x}", static_cast<std::uint8_t>(byte));
    }
  }
  return line;
}

std::string unexpected(const std::exception& error) {
  return fmt::format("something unexpected went wrong ({}); report it with the command line", error.what());
}

void complain(std::string_view sentence) { tell("error", sentence); }
void note(std::string_view sentence) { tell("note", sentence); }

}  // namespace paceline
