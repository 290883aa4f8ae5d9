// How a CSV file is written: what separates, encloses and leaves out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "workloads/option_set.hpp"

namespace paceline::table {

/// Words that stand for a missing value.
class MissingWords {
 public:
  /// What pandas takes for one, in columns of numbers only: in texts "NA" may be a name. Words that are numbers, such
  /// as nan, are not among them.
  MissingWords();
  /// A user's own: unquoted they are missing in texts, too.
  explicit MissingWords(std::vector<std::string> words);

  [[nodiscard]] bool contains(std::string_view field) const;
  [[nodiscard]] bool are_for_texts() const { return are_for_texts_; }
  /// Whether a number may be one of them, and which: as doubles, and as integers where they are written so.
  [[nodiscard]] bool has_numbers() const { return has_numbers_; }
  [[nodiscard]] const std::vector<double>& reals() const { return reals_; }
  [[nodiscard]] const std::vector<std::int64_t>& integers() const { return integers_; }

 private:
  std::vector<std::string> words_;
  std::size_t longest_ = 0;
  bool are_for_texts_ = false;
  bool has_numbers_ = false;
  std::vector<double> reals_;
  std::vector<std::int64_t> integers_;
};

struct Dialect {
  char delimiter = ',';
  char decimal = '.';
  char comment = 0;        ///< lines that begin with it are skipped; 0: none are
  bool has_quotes = true;  ///< fields may be enclosed in double quotes
  MissingWords missing;
};

/// As the command line gives it, the same for all commands that read CSV.
struct CsvOptions {
  std::string delimiter = ",";
  std::string decimal = ".";
  std::string comment;
  std::string missing;
  std::string encoding;
  std::int64_t skip = 0;
  bool has_no_header = false;
  bool has_no_quotes = false;

  void add_to(OptionSet& options);
  /// Throws Error (usage) for values that make no sense. A delimiter that is to be found is 0.
  [[nodiscard]] Dialect dialect() const;
  /// What differs from the defaults, as options; for the file.
  [[nodiscard]] std::string text() const;
};

/// The one of , ; tab | that parts the first records of `head` into equally many fields, the most of them; a comma if
/// there is none.
char find_delimiter(std::string_view head, const Dialect& dialect);

}  // namespace paceline::table
