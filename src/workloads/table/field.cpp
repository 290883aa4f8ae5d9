#include "workloads/table/field.hpp"

#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace paceline::table {
namespace {

using namespace detail;

// So many digits are less than 2^63.
constexpr int safe_digits = 18;

std::uint64_t load(const char* at, const char* limit) {
  std::uint64_t word = 0;
  if (limit - at >= 8) {
    std::memcpy(&word, at, 8);
  } else if (at < limit) {
    std::memcpy(&word, at, static_cast<std::size_t>(limit - at));
  }
  return word;
}

/// Takes a run of digits, eight at a time.
int take_digits(const char*& at, const char* limit, std::uint64_t& value) {
  int taken = 0;
  for (;;) {
    const auto word = load(at, limit);
    const auto digits = leading_digits(word);
    if (digits == 0) return taken;
    value = value * tens[digits] + value_of_digits(word, digits);
    at += digits;
    taken += digits;
    if (digits < 8) return taken;
  }
}

bool is_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] | 0x20) != word[i]) return false;
  }
  return true;
}

Number real(double value) { return {Kind::real, false, 0, value}; }

bool is_space(char byte) { return byte == ' ' || byte == '\t'; }

/// What the quick way leaves: long mantissas, large exponents, words.
Number parse_slowly(const char* begin, const char* end, char decimal) {
  if (decimal != '.') {
    std::string plain(begin, end);
    for (auto& byte : plain) {
      if (byte == '.') return {};
      if (byte == decimal) byte = '.';
    }
    return parse_slowly(plain.data(), plain.data() + plain.size(), '.');
  }
  const bool is_negative = begin < end && *begin == '-';
  if (begin < end && (*begin == '-' || *begin == '+')) ++begin;
  const std::string_view rest(begin, static_cast<std::size_t>(end - begin));
  const double sign = is_negative ? -1 : 1;
  if (is_word(rest, "nan")) return real(std::numeric_limits<double>::quiet_NaN());
  if (is_word(rest, "inf") || is_word(rest, "infinity")) return real(sign * std::numeric_limits<double>::infinity());
  // from_chars knows words of its own, and a second sign.
  if (rest.empty() || !((rest.front() >= '0' && rest.front() <= '9') || rest.front() == '.')) return {};
  double value = 0;
  const auto [stop, code] = std::from_chars(begin, end, value);
  if (stop != end || code == std::errc::invalid_argument) return {};
  if (code == std::errc::result_out_of_range) value = std::strtod(std::string(rest).c_str(), nullptr);
  return real(sign * value);
}

/// Of more than safe_digits.
Number parse_long_integer(const char* begin, const char* end, char decimal) {
  const char* first = *begin == '+' ? begin + 1 : begin;
  std::int64_t value = 0;
  if (std::from_chars(first, end, value).ec == std::errc()) {
    return {Kind::integer, value == 0 && *begin == '-', value, 0};
  }
  std::uint64_t natural = 0;
  if (*begin != '-' && std::from_chars(first, end, natural).ec == std::errc()) {
    return {Kind::natural, false, static_cast<std::int64_t>(natural), 0};
  }
  return parse_slowly(begin, end, decimal);
}

}  // namespace

Number parse_number(const char* begin, const char* end, const char* limit, char decimal) {
  if (begin < end && (is_space(*begin) || is_space(end[-1]))) {
    while (begin < end && is_space(*begin)) ++begin;
    while (begin < end && is_space(end[-1])) --end;
  }
  const char* at = begin;
  const bool is_negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) ++at;
  std::uint64_t mantissa = 0;
  int digits = take_digits(at, limit, mantissa);
  if (at == end && digits > 0) {
    if (digits > safe_digits) {
      return parse_long_integer(begin, end, decimal);
    }
    const auto value = static_cast<std::int64_t>(mantissa);
    return {Kind::integer, is_negative && value == 0, is_negative ? -value : value, 0};
  }
  int exponent = 0;
  if (at < end && *at == decimal) {
    ++at;
    const int fraction = take_digits(at, limit, mantissa);
    digits += fraction;
    exponent = -fraction;
  }
  if (at < end && digits > 0 && (*at | 0x20) == 'e') {
    const bool is_small = at + 1 < end && at[1] == '-';
    const char* power = at + (at + 1 < end && (at[1] == '-' || at[1] == '+') ? 2 : 1);
    std::uint64_t size = 0;
    const int count = take_digits(power, limit, size);
    if (power != end || count == 0) return {};
    if (count > 4) return parse_slowly(begin, end, decimal);
    exponent += is_small ? -static_cast<int>(size) : static_cast<int>(size);
    at = end;
  }
  if (at != end || digits == 0) return parse_slowly(begin, end, decimal);
  if (digits > safe_digits) return parse_slowly(begin, end, decimal);
  double value = 0;
  if (exponent <= 0 && exponent >= -most_places) {
    value = scaled_down(mantissa, -exponent);
  } else if (exponent > 0 && exponent <= 22 && mantissa <= exact_doubles) {
    value = static_cast<double>(mantissa) * exact_tens[exponent];
  } else {
    return parse_slowly(begin, end, decimal);
  }
  return real(is_negative ? -value : value);
}

Number parse_number_reference(std::string_view field, char decimal) {
  if (decimal != '.') {
    std::string plain(field);
    for (auto& byte : plain) {
      if (byte == '.') return {};
      if (byte == decimal) byte = '.';
    }
    return parse_number_reference(plain);
  }
  while (!field.empty() && is_space(field.front())) field.remove_prefix(1);
  while (!field.empty() && is_space(field.back())) field.remove_suffix(1);
  const auto signless = field.substr(!field.empty() && (field[0] == '-' || field[0] == '+') ? 1 : 0);
  const bool is_named = is_word(signless, "nan") || is_word(signless, "inf") || is_word(signless, "infinity");
  if (!is_named && signless.find_first_not_of("0123456789.eE+-") != std::string_view::npos) return {};
  const std::string text(field);
  const std::string digits(signless);
  if (digits.empty()) return {};
  char* stop = nullptr;
  if (digits.find_first_not_of("0123456789") == std::string::npos) {
    errno = 0;
    const auto value = std::strtoll(text.c_str(), &stop, 10);
    if (errno == 0) return {Kind::integer, value == 0 && text[0] == '-', value, 0};
    errno = 0;
    const auto natural = std::strtoull(text.c_str(), &stop, 10);
    if (errno == 0 && text[0] != '-') return {Kind::natural, false, static_cast<std::int64_t>(natural), 0};
  }
  if (digits[0] == '+' || digits[0] == '-') return {};
  const auto value = std::strtod(text.c_str(), &stop);
  if (stop != text.c_str() + text.size()) return {};
  return real(std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value);
}

std::string text_of(const Field& field) {
  std::string text;
  put_text(field, text);
  return text;
}

void put_text(const Field& field, std::string& text) {
  if (!field.is_quoted) {
    text.assign(field.inner);
    return;
  }
  text.resize(field.inner.size());
  std::size_t kept = 0;
  bool is_first = false;  // the byte before was the first of two quotes
  for (const char byte : field.inner) {
    text[kept] = byte;
    const bool is_quote = byte == '"';
    kept += is_quote && is_first ? 0 : 1;
    is_first = is_quote && !is_first;
  }
  text.resize(kept);
}

std::size_t invalid_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return byte(i) >= low && byte(i) <= high;
  };
  for (std::size_t i = 0; i < text.size();) {
    std::uint64_t word = 0;
    if (text.size() - i >= 8) std::memcpy(&word, text.data() + i, 8);
    if (text.size() - i >= 8 && (word & 0x8080808080808080U) == 0) {
      i += 8;
      continue;
    }
    // Table 3-7 of the Unicode Standard: well-formed byte sequences.
    const auto lead = byte(i);
    std::size_t length = 0;
    if (lead < 0x80) {
      length = 1;
    } else if (lead >= 0xc2 && lead <= 0xdf) {
      length = follows(i + 1) ? 2 : 0;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      length = follows(i + 1, lead == 0xe0 ? 0xa0 : 0x80, lead == 0xed ? 0x9f : 0xbf) && follows(i + 2) ? 3 : 0;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      const bool is_second = follows(i + 1, lead == 0xf0 ? 0x90 : 0x80, lead == 0xf4 ? 0x8f : 0xbf);
      length = is_second && follows(i + 2) && follows(i + 3) ? 4 : 0;
    }
    if (length == 0) return i;
    i += length;
  }
  return std::string_view::npos;
}

}  // namespace paceline::table
