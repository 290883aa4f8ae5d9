#include "workloads/table/csv_errors.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/text.hpp"

namespace paceline::table {
namespace {

// Of a field that is told.
constexpr std::int64_t shown_bytes = 40;

/// For a message; a long one is cut.
std::string field_at(const CsvContext& csv, std::int64_t at) {
  std::vector<char> bytes(static_cast<std::size_t>(std::min(shown_bytes, csv.source.bytes - at)));
  csv.source.read(at, bytes);
  const auto end = std::find_if(bytes.begin(), bytes.end(), [&](char byte) {
    return byte == csv.layout.dialect.delimiter || byte == '\n' || byte == '\r' || byte == '"';
  });
  return std::string(bytes.begin(), end);
}

}  // namespace

Error error_of(const CsvContext& csv, const RangeFacts& facts, std::int64_t line) {
  const auto tell = [&](const std::string& why, const std::string& suggestion) {
    return Error(ErrorKind::input, fmt::format("can't read {}", csv.path.string()),
                 fmt::format("line {}: {}", line, why), suggestion);
  };
  const std::string quoting = "enclose such a field in quotes, and double those in it (RFC 4180)";
  switch (facts.trouble) {
    case Trouble::fields:
      return tell(fmt::format("{}, the header has {}", plural(facts.detail, "field"), csv.layout.fields),
                  "every record needs as many as the header");
    case Trouble::quote: return tell("a quote within an unquoted field", quoting + "; or add --no-quotes");
    case Trouble::after_quotes: return tell("something follows quotes that have closed", quoting);
    case Trouble::carriage: return tell("a carriage return without line feed", "end lines by LF or CR LF");
    case Trouble::unterminated: return tell("quotes that begin here are never closed", quoting);
    case Trouble::utf8: return tell("it is not UTF-8", "add --encoding latin-1, or whatever it is");
    case Trouble::nul: return tell("a text has a NUL byte", "HDF5's texts can't hold it; remove it");
    case Trouble::type: {
      const auto& column = csv.columns[static_cast<std::size_t>(facts.detail)];
      return tell(fmt::format("{} is no {} for the column {}", field_at(csv, facts.trouble_at), name_of(column.type),
                              column.name),
                  "leave its type out of --columns, or give another");
    }
    case Trouble::none: break;
  }
  return tell("it is damaged", "");
}

}  // namespace paceline::table
