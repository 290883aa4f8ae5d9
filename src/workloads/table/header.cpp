#include "workloads/table/header.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include <paceline/error.hpp>

#include "host/text.hpp"
#include "workloads/table/foreign.hpp"
#include "workloads/table/records.hpp"
#include "workloads/table/separators.hpp"

namespace paceline::table {
namespace {

constexpr std::int64_t header_bytes = std::int64_t{64} << 10;
constexpr std::int64_t largest_header = std::int64_t{64} << 20;

/// Names for those without one, and suffixes for those that others have.
std::vector<std::string> told_apart(std::vector<std::string> names) {
  std::set<std::string> taken(names.begin(), names.end());
  std::set<std::string> seen;
  for (std::size_t k = 0; k < names.size(); ++k) {
    auto& name = names[k];
    if (name.empty()) name = fmt::format("column_{}", k + 1);
    const auto first = name;
    for (int number = 1; seen.contains(name) || (number > 1 && taken.contains(name)); ++number) {
      name = fmt::format("{}.{}", first, number);
    }
    seen.insert(name);
  }
  return names;
}

/// Behind a byte order mark, lines to be skipped, blank lines and comments; the end if there is nothing else.
std::size_t begin_of_header(std::string_view head, const CsvOptions& options, const Dialect& asked,
                            std::int64_t& skipped) {
  std::size_t begin = head.starts_with("\xef\xbb\xbf") ? 3 : 0;
  const auto skip = [&] {
    const auto feed = head.find('\n', begin);
    begin = std::min(feed, head.size() - 1) + 1;
  };
  for (skipped = 0; skipped < options.skip && begin < head.size(); ++skipped) skip();
  while (begin < head.size()) {
    const bool is_comment = asked.comment != 0 && head[begin] == asked.comment;
    const bool is_blank = head[begin] == '\n' || (head[begin] == '\r' && head.substr(begin, 2) == "\r\n");
    if (!is_comment && !is_blank) break;
    skip();
  }
  return begin;
}

}  // namespace

Header read_header(const Source& source, const std::filesystem::path& path, const CsvOptions& options) {
  const auto asked = options.dialect();
  const auto fail = [&](const std::string& why, const std::string& suggestion) {
    return Error(ErrorKind::input, fmt::format("can't read {}", path.string()), why, suggestion);
  };
  std::vector<char> head;
  for (auto wanted = header_bytes;; wanted *= 4) {
    head.resize(static_cast<std::size_t>(std::min(wanted, source.bytes)));
    source.read(0, head);
    const bool is_whole = std::ssize(head) == source.bytes;
    if (!is_whole && wanted > largest_header) {
      throw fail("its first line is too long for a header", "see that its quotes are closed");
    }
    if (const auto what = foreign_format({head.data(), head.size()}); what.why != nullptr) {
      throw fail(what.why, what.suggestion);
    }
    const std::string_view text(head.data(), head.size());
    std::int64_t skipped = 0;
    const auto begin = begin_of_header(text, options, asked, skipped);
    if (begin >= head.size() && !is_whole) continue;
    if (begin >= head.size()) {
      if (head.empty() || options.skip == 0) throw fail("it is empty", "its first line must name the columns");
      throw fail(fmt::format("there is nothing behind {}", plural(skipped, "skipped line")), "skip less by --skip");
    }
    auto dialect = asked;
    if (asked.delimiter == 0) dialect.delimiter = find_delimiter(text.substr(begin), asked);
    const auto rest = std::span<const char>(head).subspan(begin);
    const auto end = first_record_end(rest, dialect);
    if (!end && !is_whole) continue;
    const auto record = rest.first(end.value_or(rest.size()));
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(begin), '\n');
    const auto fail_here = [&](const std::string& why, const std::string& suggestion) {
      return fail(fmt::format("line {}: {}", line, why), suggestion);
    };
    ScanState state;
    state.delimiter = dialect.delimiter;
    state.quotes = dialect.has_quotes ? ~std::uint64_t{0} : 0;
    Separators found;
    find_separators(record.data(), record.size(), 0, state, found);
    if (found.wrong != Separators::none && found.wrong > 0 && record[found.wrong - 1] == '\r') {
      throw fail_here("its lines end in carriage returns alone",
                      "end them by line feeds, for example by tr '\\r' '\\n'");
    }
    if (found.wrong != Separators::none || state.inside != 0) {
      throw fail_here("its quotes are not as RFC 4180 has them",
                      "enclose a field in quotes, and double those in it; or add --no-quotes if they are text");
    }
    if (invalid_utf8({record.data(), record.size()}) != std::string_view::npos) {
      throw fail_here("it is not UTF-8", "add --encoding latin-1, or whatever it is");
    }
    const auto records = records_reference(record, dialect);
    if (std::find(record.begin(), record.end(), '\0') != record.end()) {
      throw fail_here("it has a NUL byte", "no name can hold it; remove it");
    }
    std::vector<std::string> names;
    for (const auto& field : records.at(0)) {
      names.push_back(options.has_no_header ? std::to_string(names.size() + 1) : text_of(field));
    }
    const auto data_begin = options.has_no_header ? begin : begin + record.size();
    return {std::move(dialect), told_apart(std::move(names)), static_cast<std::int64_t>(data_begin)};
  }
}

}  // namespace paceline::table
