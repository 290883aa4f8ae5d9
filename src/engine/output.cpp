#include "engine/output.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

#include "engine/verify.hpp"
#include "host/clock.hpp"
#include "host/links.hpp"
#include "host/slurm_facts.hpp"
#include "storage/part_copy.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

/// However the two are spelt; they need not be there yet.
bool is_same_place(const fs::path& a, const fs::path& b) {
  const auto place = [](const fs::path& path) {
    std::error_code code;
    const auto full = fs::weakly_canonical(fs::absolute(behind_links(path), code), code);
    return code ? path : full;
  };
  return place(a) == place(b);
}

/// Of the job that wrote last: another one may have begun the file.
Provenance job_provenance() {
  Provenance facts;
  for (const auto& [name, value] : slurm_facts()) facts.emplace_back(name, value);
  return facts;
}

Provenance provenance(const RunOptions& options) {
  Provenance facts = {{"software", std::string("paceline")},
                      {"software_version", std::string(PACELINE_VERSION)},
                      {"command", options.command},
                      {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))}};
  for (auto& fact : job_provenance()) facts.push_back(std::move(fact));
  return facts;
}

/// Without --output, something may still have to be read back.
bool needs_scratch(const RunOptions& options) {
  const auto& workload = *options.workload;
  return options.output.empty() && (options.verify || workload.has_value() || !workload.side_outputs().empty());
}

}  // namespace

Gather gather_of(const RunOptions& options) {
  const bool is_alone = needs_scratch(options) || options.workload->shape().is_variable();
  return is_alone ? Gather::root : options.gather;
}

Output::~Output() {
  std::error_code code;
  file_.reset();
  if (is_scratch_ && is_first()) fs::remove(path_, code);
}

/// Measures what rank 0 does while the others wait.
void Output::first_alone(const std::function<void()>& action) {
  const Stopwatch watch;
  together(world_, [&] {
    if (is_first()) action();
  });
  serial_s_ += watch.seconds();
}

/// On rank 0 alone: keeps other runs away, from before the look at what is there until the file has its name.
void Output::lock_part(FileLock::Missing missing) {
  const auto part = part_of(options_.output);
  lock_.take(part, options_.output, fmt::format("another run is writing {}", part.string()), missing);
}

/// On rank 0 alone: what is there, and whether what is to be written may be.
Start Output::check() {
  const auto& shape = workload().shape();
  const auto& output = options_.output;
  const auto existing = options_.force ? Existing::overwrite : options_.resume ? Existing::resume : Existing::refuse;
  auto start = Start::fresh;
  if (!output.empty()) {
    lock_part(FileLock::Missing::leave);
    // A digest, a flag and perhaps a record an item, and the structure.
    const auto beside = std::int64_t{9} + (shape.records.empty() ? 0 : std::int64_t{sizeof(ItemRecord)});
    const auto bytes = shape.items() * (shape.bytes_per_item() + beside) + (std::int64_t{1} << 20);
    start = check_output(output, existing, bytes);
  }
  if (start == Start::complete) stored_digest_ = stored_digest(output, shape);
  for (const auto& input : workload().inputs()) {
    if (!input.is_made() && !output.empty() && is_same_place(input.file, output)) {
      throw Error(ExitCode::usage, "input and output are the same file", output.string(),
                  "give the result another name");
    }
  }
  if (!workload().source().empty() && !output.empty() && is_same_place(workload().source(), output)) {
    throw Error(ExitCode::usage, "input and output are the same file", output.string(), "give the result another name");
  }
  for (const auto& side : workload().side_outputs()) {
    if (!output.empty() && (is_same_place(side, output) || is_same_place(side, part_of(output)))) {
      throw Error(ExitCode::usage, "two outputs have the same name", side.string(), "give each its own");
    }
    // Pictures follow the complete file: one that is there beside it is of this run, any other is somebody's.
    if (start == Start::complete && fs::exists(side)) {
      is_picture_missing_ = false;
    } else {
      check_output(side, existing == Existing::overwrite ? existing : Existing::refuse, 0);
    }
  }
  const bool tries_again = start == Start::complete && workload().has_failures() && has_failed_items(output);
  if (!output.empty() && (start != Start::complete || tries_again)) lock_part(FileLock::Missing::create);
  if (!tries_again) return start;
  copy_to_part(output);
  return Start::resume;
}

Start Output::open() {
  int found = static_cast<int>(Start::fresh);
  first_alone([&] { found = static_cast<int>(check()); });
  const auto start = static_cast<Start>(world_.reduce_all(found, MPI_MAX));
  const auto& shape = workload().shape();
  if (start == Start::complete) {
    resumed_.items = shape.items();
    if (is_first()) fmt::print(stderr, "paceline: note: {} is complete already\n", options_.output.string());
    return start;
  }
  const auto sides = workload().side_outputs();
  if (!options_.output.empty()) {
    path_ = part_of(options_.output);
  } else if (needs_scratch(options_)) {
    const auto near = sides.empty() ? fs::temp_directory_path() / "paceline" : sides.front();
    path_ = fmt::format("{}.{}.scratch", near.string(), getpid());
    is_scratch_ = true;
  } else {
    return start;
  }

  // One rank needs no MPI-IO, which would look for a session folder.
  const bool is_parallel = gather_of(options_) == Gather::parallel && world_.size() > 1;
  // The structure is one rank's work; from then on only data changes, so that the file opens whenever a run ends.
  if (start == Start::fresh) first_alone([&] { ResultFile::create(path_, shape, provenance(options_)); });
  together(world_, [&] {
    if (!is_parallel && !is_first()) return;
    const auto comm = is_parallel ? std::optional(world_.duplicate()) : std::nullopt;
    file_.emplace(path_, comm, shape, ResultFile::Access::write);
  });
  if (start == Start::resume) {
    IsSettled is_settled;
    if (workload().has_failures()) {
      is_settled = [&](std::span<const std::byte> parcel) { return workload().is_settled(parcel); };
    }
    resumed_ = read_resumed(world_, file(), shape, options_.memory_limit, is_settled);
    if (resumed_.failed > 0 && is_first()) {
      fmt::print(stderr, "paceline: note: {} of {} items failed before and are tried again\n", resumed_.failed,
                 shape.items());
    }
  }
  return start;
}

double Output::close() {
  const Stopwatch watch;
  together(world_, [&] {
    if (file_) file_->close();
  });
  if (file_) io_mode_ = file_->io_mode();
  file_.reset();
  return watch.seconds();
}

void Output::close_quietly() {
  try {
    if (file_) file_->close();
  } catch (const Error&) {
    // The first error is the one to tell; the file is on disk as far as it could be.
  }
}

double Output::publish(const std::string& digest, const RunTables& tables, int threads) {
  if (path_.empty()) return 0;
  Stopwatch watch;
  first_alone([&] {
    conclude(path_);
    ResultFile::seal(path_, digest, tables, job_provenance(), value_);
  });
  double write_s = watch.seconds();
  if (options_.verify) first_alone([&] { read_back(path_, true, false, threads); });
  watch.lap();
  if (!is_scratch_) first_alone([&] { put_in_place(path_, options_.output); });
  write_s += watch.lap();
  if (!workload().side_outputs().empty()) {
    first_alone([&] { read_back(is_scratch_ ? path_ : options_.output, false, true, threads); });
  }
  return write_s;
}

std::string Output::look_again(int threads) {
  first_alone([&] {
    const bool draws = is_picture_missing_ && !workload().side_outputs().empty();
    if (options_.verify || draws) read_back(options_.output, options_.verify, draws, threads);
    conclude(options_.output);
  });
  return stored_digest_;
}

/// On rank 0 alone.
void Output::conclude(const fs::path& from) {
  if (!workload().has_value()) return;
  const ResultFile file(from, std::nullopt, workload().shape(), ResultFile::Access::read);
  value_ = workload().conclude([&](Slab items, std::span<std::byte> bytes) { file.read(items, bytes); });
}

/// On rank 0 alone.
bool Output::has_failed_items(const fs::path& from) const {
  const ResultFile file(from, std::nullopt, workload().shape(), ResultFile::Access::read);
  for (std::int64_t item = 0; item < workload().shape().items(); ++item) {
    if (!workload().is_settled(file.read_parcel(item))) return true;
  }
  return false;
}

/// On rank 0 alone: reads the file as it is on disk.
void Output::read_back(const fs::path& from, bool verifies, bool draws, int threads) {
  const ResultFile file(from, std::nullopt, workload().shape(), ResultFile::Access::read);
  const ReadItems read = [&](Slab items, std::span<std::byte> bytes) { file.read(items, bytes); };
  if (verifies && workload().shape().is_variable()) {
    verify_parcels(workload(), [&](std::int64_t item) { return file.read_parcel(item); });
  } else if (verifies) {
    verify(workload(), read, threads, options_.memory_limit);
  }
  const Stopwatch watch;
  if (draws) workload().finish(read, options_.memory_limit);
  picture_s_ = draws ? watch.seconds() : 0;
}

}  // namespace paceline
