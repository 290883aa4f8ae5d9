#include "workloads/table/column_info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include <paceline/error.hpp>

#include "workloads/table/marks.hpp"

namespace paceline::table {
namespace {

constexpr std::array<std::pair<std::string_view, Type>, 5> types = {{{"float64", Type::float64},
                                                                     {"int64", Type::int64},
                                                                     {"uint64", Type::uint64},
                                                                     {"text", Type::text},
                                                                     {"time", Type::time}}};

}  // namespace

std::span<const std::string_view> type_names() {
  static const auto names = [] {
    std::array<std::string_view, types.size()> all;
    for (std::size_t k = 0; k < types.size(); ++k) all[k] = types[k].first;
    return all;
  }();
  return names;
}

Type type_of(std::string_view name) {
  const auto* found = std::find_if(types.begin(), types.end(), [&](const auto& type) { return type.first == name; });
  return found == types.end() ? Type::any : found->second;
}

std::string_view name_of(Type type) {
  const auto* found = std::find_if(types.begin(), types.end(), [&](const auto& other) { return other.second == type; });
  return found == types.end() ? "value" : found->first;
}

void settle_columns(std::vector<ColumnInfo>& columns, const std::vector<RangeFacts>& all,
                    const std::filesystem::path& path) {
  for (std::size_t k = 0; k < columns.size(); ++k) {
    auto& column = columns[k];
    ColumnFacts sum;
    std::int64_t integers = 0, naturals = 0, texts = 0;
    sum.kind = kind_of(column.type);
    column.longest = 0;
    column.text_starts = {0};
    for (const auto& range : all) {
      const auto& here = range.columns[k];
      sum.kind = std::max(sum.kind, here.kind);
      sum.has_negative = sum.has_negative || here.has_negative;
      sum.missing += here.missing;
      sum.blank += here.blank;
      sum.named += here.named;
      if (here.kind == Kind::integer) integers |= here.marks;
      if (here.kind == Kind::natural) naturals |= here.marks;
      column.longest = std::max(column.longest, here.longest);
      column.text_starts.push_back(column.text_starts.back() + here.bytes);
      texts |= here.kind == Kind::text ? here.marks | here.named_marks : here.named_marks;
    }
    // No type holds both what is negative and what is 2^63 or more.
    if (sum.kind == Kind::nothing || (sum.kind == Kind::natural && sum.has_negative)) sum.kind = Kind::real;
    column.kind = sum.kind;
    if (sum.blank > 0) texts |= 1;
    // In numbers, "" and NA are nothing as well.
    column.missing = sum.missing + (column.kind == Kind::text ? 0 : sum.blank + sum.named);
    const auto first_free = [&](std::int64_t taken, int count) {
      for (int mark = 0; mark < count; ++mark) {
        if ((taken >> mark & 1) == 0) return mark;
      }
      throw Error(ErrorKind::input, fmt::format("can't take column {} of {}", column.name, path.string()),
                  "its values are all those that could stand for what is missing", "rename one of them");
    };
    switch (column.kind) {
      case Kind::integer:
        column.mark = static_cast<std::uint64_t>(integer_mark(first_free(integers, integer_marks)));
        break;
      case Kind::natural: column.mark = natural_mark(first_free(naturals, integer_marks)); break;
      case Kind::text:
        column.text_mark = text_marks[static_cast<std::size_t>(first_free(texts, std::ssize(text_marks)))];
        break;
      default: column.mark = std::bit_cast<std::uint64_t>(std::numeric_limits<double>::quiet_NaN());
    }
    if (column.missing > 0) column.longest = std::max(column.longest, std::ssize(column.text_mark));
  }
}

}  // namespace paceline::table
