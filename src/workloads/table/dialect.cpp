#include "workloads/table/dialect.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <paceline/error.hpp>

#include "workloads/table/field.hpp"
#include "workloads/table/names.hpp"
#include "workloads/table/records.hpp"

namespace paceline::table {
namespace {

// Records that a delimiter is found by.
constexpr std::size_t looked_at = 20;
constexpr std::int64_t most_skipped = std::int64_t{1} << 40;

Error bad_option(std::string_view option, const std::string& value, const std::string& why,
                 const std::string& suggestion) {
  return {ErrorKind::usage, fmt::format("{} {} makes no sense", option, value), why, suggestion};
}

/// One character that may stand between or before fields.
char character_of(std::string_view option, const std::string& value) {
  const bool is_one = value.size() == 1 && value[0] > ' ' && value[0] < 127;
  const bool is_taken = is_one && (value[0] == '"' || (value[0] >= '0' && value[0] <= '9'));
  if (!is_one || is_taken) {
    throw bad_option(option, value, "one ASCII character is wanted, no digit, quote or space", "give for example ;");
  }
  return value[0];
}

}  // namespace

MissingWords::MissingWords()
    : words_{"NA",   "N/A",  "n/a",     "#N/A",     "#N/A N/A", "#NA",     "<NA>",
             "NULL", "null", "-1.#IND", "-1.#QNAN", "1.#IND",   "1.#QNAN", "None"} {
  for (const auto& word : words_) longest_ = std::max(longest_, word.size());
}

MissingWords::MissingWords(std::vector<std::string> words) : words_(std::move(words)), are_for_texts_(true) {
  for (const auto& word : words_) {
    longest_ = std::max(longest_, word.size());
    const auto number = parse_number_reference(word);
    if (number.kind == Kind::text) continue;
    has_numbers_ = true;
    if (number.kind == Kind::integer) integers_.push_back(number.integer);
    reals_.push_back(real_of(number));
  }
}

bool MissingWords::contains(std::string_view field) const {
  return field.size() <= longest_ && std::find(words_.begin(), words_.end(), field) != words_.end();
}

void CsvOptions::add_to(OptionSet& options) {
  options.add("--delimiter", delimiter, "what separates fields: a character, tab, or auto to find it")
      .shown("C|tab|auto (,)");
  options.add("--decimal", decimal, "the decimal point of numbers").shown("C (.)");
  options.add("--comment", comment, "skip lines that begin with it, before the header and between records").shown("C");
  options.add("--skip", skip, "skip the first lines of the file, whatever they hold")
      .from(0, most_skipped)
      .shown("N (0)");
  options.add("--no-header", has_no_header, "the first line is a record; columns are named 1, 2, ...");
  options.add("--no-quotes", has_no_quotes, "double quotes are text, as in some tab-separated files");
  options.add("--na", missing, "what stands for a missing value (in numbers NA, N/A, null and the like)").shown("LIST");
  options.add("--encoding", encoding, "convert the file from it, for example latin-1 or UTF-16 (UTF-8)").shown("NAME");
}

Dialect CsvOptions::dialect() const {
  Dialect dialect;
  dialect.has_quotes = !has_no_quotes;
  if (!missing.empty()) {
    std::vector<std::string> words;
    for (auto& word : read_names(missing, "--na", {})) words.push_back(std::move(word.name));
    dialect.missing = MissingWords(std::move(words));
  }
  dialect.delimiter = delimiter == "auto" ? '\0'
                      : delimiter == "tab" || delimiter == "\t" || delimiter == "\\t"
                          ? '\t'
                          : character_of("--delimiter", delimiter);
  dialect.decimal = character_of("--decimal", decimal);
  if (dialect.decimal == '-' || dialect.decimal == '+' || (dialect.decimal | 0x20) == 'e') {
    throw bad_option("--decimal", decimal, "it stands in numbers for something else",
                     "give --decimal , or leave it out");
  }
  if (!comment.empty()) dialect.comment = character_of("--comment", comment);
  if (dialect.delimiter == dialect.decimal || (dialect.comment != 0 && dialect.comment == dialect.delimiter)) {
    throw bad_option("--delimiter", delimiter, "it is the decimal point or begins comments, too",
                     "give for example --delimiter ';'");
  }
  return dialect;
}

std::string CsvOptions::text() const {
  std::string all;
  const auto add = [&](const char* option, const std::string& value, const std::string& usual) {
    if (value != usual) all += fmt::format("{}{} {}", all.empty() ? "" : " ", option, value);
  };
  add("--delimiter", delimiter, ",");
  add("--decimal", decimal, ".");
  add("--comment", comment, "");
  add("--skip", std::to_string(skip), "0");
  add("--na", missing, "");
  add("--encoding", encoding, "");
  if (has_no_header) all += all.empty() ? "--no-header" : " --no-header";
  if (has_no_quotes) all += all.empty() ? "--no-quotes" : " --no-quotes";
  return all;
}

char find_delimiter(std::string_view head, const Dialect& dialect) {
  char best = ',';
  std::size_t most = 1;
  for (const char candidate : {',', ';', '\t', '|'}) {
    if (candidate == dialect.decimal || candidate == dialect.comment) continue;
    auto tried = dialect;
    tried.delimiter = candidate;
    auto records = records_reference(head, tried);
    // The last one may be cut.
    if (records.size() > 1) records.pop_back();
    if (records.size() > looked_at) records.resize(looked_at);
    if (records.empty()) continue;
    const auto fields = records.front().size();
    const bool is_even = std::all_of(records.begin(), records.end(), [&](const auto& r) { return r.size() == fields; });
    if (!is_even || fields <= most) continue;
    most = fields;
    best = candidate;
  }
  return best;
}

}  // namespace paceline::table
