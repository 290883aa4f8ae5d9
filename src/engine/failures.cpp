#include "engine/failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "host/say.hpp"

namespace paceline {
namespace {

void keep_first(std::vector<Failure>& failures) {
  std::sort(failures.begin(), failures.end(), [](const Failure& a, const Failure& b) { return a.item < b.item; });
  if (failures.size() > Failures::most_told) failures.resize(Failures::most_told);
}

/// Lines of an item's number, a space and what befell it.
void read_lines(std::string_view text, std::vector<Failure>& failures) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    const auto space = line.find(' ');
    auto& failure = failures.emplace_back();
    std::from_chars(line.data(), line.data() + space, failure.item);
    failure.what = line.substr(space + 1);
    text.remove_prefix(end + 1);
  }
}

}  // namespace

Failures gather_failures(const Comm& comm, std::vector<Failure> mine) {
  Failures failures;
  failures.count = comm.reduce_all(static_cast<std::int64_t>(mine.size()), MPI_SUM);
  if (failures.count == 0) return failures;
  keep_first(mine);
  std::string lines;
  for (auto& [item, what] : mine) {
    std::replace(what.begin(), what.end(), '\n', ' ');
    lines += fmt::format("{} {}\n", item, what);
  }
  for (const auto& text : comm.gather_all_text(lines)) read_lines(text, failures.first);
  keep_first(failures.first);
  return failures;
}

std::string list(const Failures& failures) {
  std::string text;
  for (const auto& failure : failures.first) text += fmt::format("paceline: failed: {}\n", printable(failure.what));
  const auto more = failures.count - std::ssize(failures.first);
  if (more > 0) text += fmt::format("paceline: failed: and {} more\n", more);
  return text;
}

void fail_if_items_did(const Comm& comm, const Failures& failures, std::int64_t items,
                       const std::filesystem::path& output) {
  if (failures.count == 0) return;
  if (comm.rank() == 0) fmt::print(stderr, "{}", list(failures));
  throw AgreedError(Error(ErrorKind::check, fmt::format("{} of {} items failed", failures.count, items),
                          fmt::format("the first is {}", failures.first.front().what),
                          output.empty() ? "with an --output, the others are kept"
                                         : fmt::format("{} says why, and the same command with --resume tries "
                                                       "them again",
                                                       output.string())));
}

}  // namespace paceline
