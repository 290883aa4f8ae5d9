#include "study/measure/study.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <optional>
#include <sstream>

#include "host/interrupt.hpp"
#include "storage/file_lock.hpp"
#include "storage/output_path.hpp"
#include "study/advise/analysis.hpp"
#include "study/measure/facts.hpp"
#include "study/measure/outcome.hpp"
#include "study/measure/setup.hpp"
#include "study/measure/study_runner.hpp"
#include "study/measure/tables.hpp"
#include "study/shell_words.hpp"
#include "study/study_file.hpp"
#include "study/study_tables.hpp"

namespace paceline {
namespace {

/// The dry run says it, too: a real one may take hours.
void warn_of_constant_work(const StudyOptions& options) {
  if (!may_lack_scale(options)) return;
  note_over_bar(
      "weak mode counts work that grows with ranks x threads, but there is no {scale} in COMMAND: does it grow?");
}

/// A new file, or the one of an interrupted study of the same.
StudyFile open_file(const StudyOptions& options, const Setup& setup) {
  const auto info = describe(options, setup);
  std::error_code code;
  if (options.resume && std::filesystem::exists(options.output, code)) {
    check_output(options.output, Existing::overwrite, 0);
    auto file = StudyFile::open(options.output);
    check_same(info, file.study().info, options.output);
    return file;
  }
  check_output(options.output, options.force ? Existing::overwrite : Existing::refuse, 1 << 20);
  auto file = StudyFile::create(options.output, info);
  for (const auto& [layout, reason] : setup.infeasible) file.leave_out(layout, reason);
  return file;
}

constexpr const char* suggested_fact = "suggested_layouts";

/// "8x1x1 16x1x1": ranks, threads and nodes.
std::string text_of(const std::vector<Layout>& layouts) {
  std::vector<std::string> texts;
  for (const auto& layout : layouts)
    texts.push_back(fmt::format("{}x{}x{}", layout.ranks, layout.threads, layout.nodes));
  return fmt::format("{}", fmt::join(texts, " "));
}

std::vector<Layout> layouts_in(const std::string& text) {
  std::vector<Layout> layouts;
  std::istringstream words(text);
  Layout layout;
  char x = 0, y = 0;
  while (words >> layout.ranks >> x >> layout.threads >> y >> layout.nodes) layouts.push_back(layout);
  std::erase_if(layouts, [](const Layout& one) { return one.ranks < 1 || one.threads < 1 || one.nodes < 1; });
  return layouts;
}

/// A study that goes on measures what was suggested for it before, and what is asked for now.
StudyOptions with_suggestions(const StudyOptions& given) {
  auto options = given;
  std::error_code code;
  if (!options.resume || !std::filesystem::exists(options.output, code)) return options;
  const auto known = read_study(options.output);
  options.kept_layouts = layouts_in(fact(known.info.machine, suggested_fact));
  if (options.suggested > 0) {
    for (const auto& suggestion : analyse(known).suggested) options.suggestions.push_back(suggestion.layout);
  }
  return options;
}

ExitCode plan_only(const StudyOptions& options, const Setup& setup) {
  warn_of_constant_work(options);
  std::optional<Study> known;
  std::error_code code;
  if (std::filesystem::exists(options.output, code)) {
    known = read_study(options.output);
    if (known->info.command != joined(options.command)) known.reset();
  }
  fmt::print("{}", plan_text(options, setup, known));
  return ExitCode::done;
}

}  // namespace

ExitCode study(const StudyOptions& given) {
  const auto options = with_suggestions(given);
  const RunReader reader(options);
  const auto setup = set_up(options, reader);
  if (options.dry_run) return plan_only(options, setup);

  // Beside the file, which is another one after each run.
  FileLock lock;
  lock.take(beside(options.output, ".lock"), options.output,
            fmt::format("another study is writing {}", options.output.string()), FileLock::Missing::create,
            FileLock::After::remove);
  auto file = open_file(options, setup);
  if (!setup.suggested.empty()) file.set_fact(suggested_fact, text_of(setup.suggested));
  for (const auto& [layout, reason] : file.study().left_out) {
    note_over_bar(fmt::format("{} is left out: {}", to_string(layout), reason));
  }
  warn_of_constant_work(options);
  catch_interrupts();
  StudyRunner runner(options, reader, setup, file);
  try {
    runner.run();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) runner.take_slurm_memory();
    throw;
  }
  runner.take_slurm_memory();
  runner.profile(options.profile);

  const auto& samples = file.study().samples;
  const bool has_result = std::any_of(samples.begin(), samples.end(),
                                      [](const Sample& sample) { return sample.status == SampleStatus::ok; });
  if (!has_result) {
    throw Error(ErrorKind::failure, "no run gave a result", runner.last_trouble(),
                "try the command by hand as --dry-run prints it, then start again with --force");
  }
  fmt::print("{}", result_text(file.study(), options.output));
  std::fflush(stdout);
  if (const auto trouble = digest_trouble(options.mode, samples); !trouble.empty()) {
    throw Error(ErrorKind::check, "digests differ between runs", trouble,
                "results must not depend on the layout: find out why before trusting times");
  }
  return ExitCode::done;
}

}  // namespace paceline
