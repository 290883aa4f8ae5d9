#include "workloads/table/range_words.hpp"

namespace paceline::table {
namespace {

// Beside the kind of a column, in a word.
constexpr std::int64_t negative_bit = 256;

}  // namespace

std::vector<std::int64_t> words_of(const RangeFacts& facts) {
  std::vector<std::int64_t> words = {
      static_cast<std::int64_t>(facts.begins),  facts.changes.packed(), facts.begin, facts.end, facts.rows,
      static_cast<std::int64_t>(facts.trouble), facts.trouble_at,       facts.detail};
  for (const auto& column : facts.columns) {
    words.insert(words.end(),
                 {static_cast<std::int64_t>(column.kind) | (column.has_negative ? negative_bit : 0), column.missing,
                  column.blank, column.named, column.named_marks, column.longest, column.bytes, column.marks});
  }
  return words;
}

RangeFacts facts_of(std::span<const std::int64_t> words) {
  RangeFacts facts{static_cast<Place>(words[0]),
                   Changes::unpacked(words[1]),
                   words[2],
                   words[3],
                   words[4],
                   static_cast<Trouble>(words[5]),
                   words[6],
                   words[7],
                   {}};
  for (words = words.subspan(8); !words.empty(); words = words.subspan(8)) {
    facts.columns.push_back({static_cast<Kind>(words[0] & (negative_bit - 1)), (words[0] & negative_bit) != 0, words[1],
                             words[2], words[3], words[4], words[5], words[6], words[7]});
  }
  return facts;
}

}  // namespace paceline::table
