#include "workloads/table/time.hpp"

#include <chrono>
#include <optional>

namespace paceline::table {
namespace {

/// Takes what it reads from the front of a text.
struct Reader {
  std::string_view rest;

  bool take(char byte) {
    if (rest.empty() || rest.front() != byte) return false;
    rest.remove_prefix(1);
    return true;
  }
  std::optional<int> digits(std::size_t count) {
    if (rest.size() < count) return {};
    int value = 0;
    for (const char byte : rest.substr(0, count)) {
      if (byte < '0' || byte > '9') return {};
      value = value * 10 + (byte - '0');
    }
    rest.remove_prefix(count);
    return value;
  }
};

std::optional<std::int64_t> date(Reader& reader) {
  const auto year = reader.digits(4);
  if (!year || !reader.take('-')) return {};
  const auto month = reader.digits(2);
  if (!month || !reader.take('-')) return {};
  const auto day = reader.digits(2);
  if (!day) return {};
  const std::chrono::year_month_day all{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                        std::chrono::day(static_cast<unsigned>(*day))};
  if (!all.ok()) return {};
  return std::chrono::sys_days(all).time_since_epoch().count();
}

/// In microseconds.
std::optional<std::int64_t> time_of_day(Reader& reader) {
  const auto hour = reader.digits(2);
  if (!hour || *hour > 23 || !reader.take(':')) return {};
  const auto minute = reader.digits(2);
  if (!minute || *minute > 59) return {};
  std::int64_t time = (*hour * 60 + *minute) * std::int64_t{60'000'000};
  if (!reader.take(':')) return time;
  const auto second = reader.digits(2);
  if (!second || *second > 59) return {};
  time += *second * std::int64_t{1'000'000};
  if (!reader.take('.') && !reader.take(',')) return time;
  int places = 0;
  for (std::int64_t unit = 100'000;; unit /= 10, ++places) {
    const auto digit = reader.digits(1);
    if (!digit) break;
    if (unit == 0 && *digit != 0) return {};
    time += *digit * unit;
  }
  return places > 0 ? std::optional(time) : std::nullopt;
}

/// East of Greenwich, in microseconds.
std::optional<std::int64_t> zone(Reader& reader) {
  if (reader.rest.empty() || reader.take('Z')) return 0;
  const bool is_west = reader.take('-');
  if (!is_west && !reader.take('+')) return {};
  const auto hour = reader.digits(2);
  if (!hour || *hour > 23) return {};
  reader.take(':');
  const auto minute = reader.rest.empty() ? std::optional(0) : reader.digits(2);
  if (!minute || *minute > 59) return {};
  const auto offset = (*hour * 60 + *minute) * std::int64_t{60'000'000};
  return is_west ? -offset : offset;
}

}  // namespace

Number parse_time(std::string_view field) {
  while (!field.empty() && (field.front() == ' ' || field.front() == '\t')) field.remove_prefix(1);
  while (!field.empty() && (field.back() == ' ' || field.back() == '\t')) field.remove_suffix(1);
  Reader reader{field};
  const auto days = date(reader);
  if (!days) return {};
  std::int64_t time = 0, east = 0;
  if (!reader.rest.empty()) {
    if (!reader.take('T') && !reader.take(' ')) return {};
    const auto of_day = time_of_day(reader);
    if (!of_day) return {};
    const auto offset = zone(reader);
    if (!offset || !reader.rest.empty()) return {};
    time = *of_day;
    east = *offset;
  }
  return {Kind::integer, false, *days * std::int64_t{86'400'000'000} + time - east, 0};
}

}  // namespace paceline::table
