#include "study/import/times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>

#include "host/text.hpp"

namespace paceline {

void add_run(ImportedTimes& times, const ImportWishes& wishes, const Layout& layout, double seconds,
             const std::string& place) {
  if (std::isfinite(seconds) && seconds > 0) {
    times.runs.push_back({layout, seconds, place});
    return;
  }
  const auto why = fmt::format("its time is {}, which is not a time above zero", seconds);
  if (!wishes.skip_bad) throw bad_times(place, why, "correct it, or leave such rows out by --skip-bad");
  times.notes.push_back(fmt::format("{} is left out: {}", place, why));
}

std::optional<double> number_in(std::string_view text, bool decimal_comma) {
  std::string plain(trimmed(text));
  if (decimal_comma && plain.find('.') == std::string::npos) std::replace(plain.begin(), plain.end(), ',', '.');
  double value = 0;
  const auto [end, code] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  if (plain.empty() || code != std::errc() || end != plain.data() + plain.size()) return std::nullopt;
  return value;
}

std::optional<int> count_in(std::string_view text) {
  const auto value = number_in(text);
  if (!value || *value != std::floor(*value) || *value < 1 || *value > (1 << 24)) return std::nullopt;
  return static_cast<int>(*value);
}

std::optional<double> seconds_in_unit(std::string_view unit) {
  const auto name = lower(trimmed(unit));
  if (name == "s" || name == "sec" || name == "second" || name == "seconds") return 1;
  if (name == "ms") return 1e-3;
  if (name == "us" || name == "µs") return 1e-6;
  if (name == "ns") return 1e-9;
  if (name == "min" || name == "minutes") return 60;
  if (name == "h" || name == "hours") return 3600;
  return std::nullopt;
}

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return small;
}

std::vector<std::string> lines_of(const std::string& text) {
  auto lines = split(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  for (auto& line : lines) {
    if (line.ends_with('\r')) line.pop_back();
  }
  return lines;
}

}  // namespace paceline
