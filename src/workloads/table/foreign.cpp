#include "workloads/table/foreign.hpp"

#include <algorithm>
#include <cstddef>

namespace paceline::table {
namespace {

constexpr std::size_t head_bytes = 512;

struct Known {
  std::string_view begin;
  Foreign what;
};
using namespace std::string_view_literals;
constexpr Known known[] = {
    {"PK\3\4"sv,
     {"it is a zip archive, as spreadsheets are, too", "take the CSV file out of it, for example by unzip -p"}},
    {"BZh"sv, {"it is packed by bzip2", "pipe it in: bzcat FILE | paceline table -"}},
    {"\xfd"
     "7zXZ"sv,
     {"it is packed by xz", "pipe it in: xzcat FILE | paceline table -"}},
    {"\x89HDF"sv, {"it is an HDF5 file", "paceline array --input FILE.h5:/x reads those"}},
    {"PAR1"sv, {"it is a Parquet file", "write it as CSV"}},
    {"%PDF"sv, {"it is a PDF", "name a CSV file"}},
    {"\xff\xfe"sv, {"it is UTF-16", "add --encoding UTF-16"}},
    {"\xfe\xff"sv, {"it is UTF-16", "add --encoding UTF-16"}},
};

}  // namespace

Foreign foreign_format(std::string_view head) {
  for (const auto& format : known) {
    if (head.starts_with(format.begin)) return format.what;
  }
  // Latin letters in UTF-16 without a mark: every other byte is NUL.
  head = head.substr(0, head_bytes / 2 * 2);
  std::size_t even = 0, odd = 0;
  for (std::size_t at = 0; at < head.size(); ++at) (at % 2 == 0 ? even : odd) += head[at] == '\0' ? 1 : 0;
  if (head.size() >= 4 && even == 0 && odd >= head.size() / 4) return {"it is UTF-16", "add --encoding UTF-16LE"};
  if (head.size() >= 4 && odd == 0 && even >= head.size() / 4) return {"it is UTF-16", "add --encoding UTF-16BE"};
  return {};
}

}  // namespace paceline::table
