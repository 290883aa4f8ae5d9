#include "engine/output.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "engine/drawing.hpp"
#include "engine/verify.hpp"
#include "host/clock.hpp"
#include "host/links.hpp"
#include "host/say.hpp"
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

/// HDF5 keeps no more of an attribute than 64 kB.
std::string shortened(const std::string& text) {
  constexpr std::size_t most = 60'000;
  if (text.size() <= most) return text;
  auto end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return fmt::format("{} ... ({} bytes)", text.substr(0, end), text.size());
}

/// Of the run that completes the file.
Provenance provenance(const RunOptions& options) {
  Provenance facts = {{"software", std::string("paceline")},
                      {"software_version", std::string(PACELINE_VERSION)},
                      {"command", shortened(options.command)},
                      {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))}};
  for (const auto& [name, value] : slurm_facts()) facts.emplace_back(name, value);
  return facts;
}

std::vector<fs::path> drawn_paths(const Parts& parts) {
  return parts.drawn_files == nullptr ? std::vector<fs::path>{} : parts.drawn_files->drawn_paths();
}

/// Without --output, something may still have to be read back.
bool needs_scratch(const RunOptions& options, const Parts& parts) {
  return options.output.empty() && (options.verify || parts.reduction != nullptr || !drawn_paths(parts).empty());
}

}  // namespace

Gather gather_of(const RunOptions& options, const Parts& parts) {
  return needs_scratch(options, parts) ? Gather::root : options.gather;
}

bool is_kept(const RunOptions& options, const Parts& parts) {
  return !options.output.empty() || needs_scratch(options, parts);
}

Output::~Output() {
  std::error_code code;
  file_.reset();
  if (is_scratch_ && is_first()) fs::remove(path_, code);
}

/// Measures what rank 0 does while the others wait.
void Output::first_alone(const std::function<void()>& action) {
  const Stopwatch watch;
  collective(world_, [&] {
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
    // A digest, a flag and perhaps an origin an item, and the structure.
    const auto beside = std::int64_t{9} + (shape.origins.empty() ? 0 : std::int64_t{sizeof(ItemOrigin)});
    const auto bytes = static_cast<std::int64_t>(shape.bytes_in({0, shape.items()})) + shape.items() * beside;
    start = check_output(output, existing, bytes + (std::int64_t{1} << 20),
                         [&] { return ResultFile::has_finished_items(part_of(output), shape); });
  }
  const auto refuse_input = [&](const fs::path& input) {
    if (output.empty() || !is_same_place(input, output)) return;
    throw Error(ErrorKind::usage, "input and output are the same file", output.string(),
                "give the result another name");
  };
  if (parts_.inputs != nullptr) {
    for (const auto& input : parts_.inputs->inputs()) {
      if (!input.is_made()) refuse_input(input.file);
    }
  }
  if (parts_.scanned_file != nullptr) refuse_input(parts_.scanned_file->scanned_path());
  for (const auto& side : drawn_paths(parts_)) {
    if (!output.empty() && (is_same_place(side, output) || is_same_place(side, part_of(output)))) {
      throw Error(ErrorKind::usage, "two outputs have the same name", side.string(), "give each its own");
    }
    // Pictures follow the complete file: one that is there beside it is of this run, any other is the user's.
    if (start == Start::complete && fs::exists(side)) {
      is_picture_missing_ = false;
    } else {
      check_drawn(side, existing);
    }
  }
  if (!output.empty() && start != Start::complete) lock_part(FileLock::Missing::create);
  return start;
}

/// All of a complete file is checked before any of it is believed.
Start Output::check_complete() {
  const auto& output = options_.output;
  first_alone([&] { stored_digest_ = ResultFile::check_complete(output, workload().shape()); });
  stored_digest_ = world_.reduce_all(stored_digest_, MPI_MAX);
  open_file(output, ResultFile::Access::read);
  resumed_ = read_items();
  collective(world_, [&] {
    if (file_) file_->close();
  });
  file_.reset();
  const auto missing = workload().shape().items() - resumed_.items - resumed_.failed;
  if (missing > 0 || (resumed_.failed == 0 && resumed_.digest.sum() != stored_digest_)) {
    throw AgreedError(Error(ErrorKind::input, fmt::format("{} is damaged", output.string()),
                            fmt::format("{} of {} items are not what their digests say",
                                        std::max(missing, std::int64_t{1}), workload().shape().items()),
                            "compute it again with --force"));
  }
  if (resumed_.failed == 0) {
    if (is_first()) note(fmt::format("{} is complete already", output.string()));
    return Start::complete;
  }
  first_alone([&] {
    lock_part(FileLock::Missing::create);
    copy_to_part(output);
  });
  return Start::resume;
}

/// In the folder for scratch files, or beside the first picture; for nobody else to read or foresee.
void Output::create_scratch() {
  const auto drawn = drawn_paths(parts_);
  std::error_code code;
  const auto folder =
      drawn.empty() ? fs::temp_directory_path(code) : fs::absolute(behind_links(drawn.front())).parent_path();
  auto name = ((code ? fs::path("/tmp") : folder) / "paceline.XXXXXX").string();
  const int file = code ? -1 : mkostemp(name.data(), O_CLOEXEC);
  if (file < 0) {
    throw Error(
        ErrorKind::output, "can't make a scratch file",
        code ? fmt::format("TMPDIR: {}", code.message()) : fmt::format("{}: {}", folder.string(), std::strerror(errno)),
        "set TMPDIR to a folder with room, or give --output");
  }
  ::close(file);
  path_ = name;
  is_scratch_ = true;
}

void Output::open_file(const fs::path& path, ResultFile::Access access) {
  // One rank needs no MPI-IO, which would look for a session folder.
  const bool is_parallel = gather_of(options_, parts_) == Gather::parallel && world_.size() > 1;
  collective(world_, [&] {
    if (!is_parallel && !is_first()) return;
    const auto comm = is_parallel ? std::optional(world_.duplicate()) : std::nullopt;
    file_.emplace(path, comm, workload().shape(), access);
  });
}

Resumed Output::read_items() {
  IsSettled is_settled;
  if (parts_.retries != nullptr) {
    is_settled = [&](std::span<const std::byte> bytes) { return parts_.retries->is_settled(bytes); };
  }
  return read_resumed(world_, file(), workload().shape(), options_.memory_limit, is_settled);
}

Start Output::open() {
  int found = static_cast<int>(Start::fresh);
  first_alone([&] { found = static_cast<int>(check()); });
  auto start = static_cast<Start>(world_.reduce_all(found, MPI_MAX));
  const auto& shape = workload().shape();
  if (start == Start::complete) start = check_complete();
  if (start == Start::complete) return start;
  if (!options_.output.empty()) {
    path_ = part_of(options_.output);
  } else if (needs_scratch(options_, parts_)) {
    first_alone([&] { create_scratch(); });
  } else {
    return start;
  }

  if (start == Start::resume) {
    int has_structure = 0;
    first_alone([&] { has_structure = ResultFile::restore(path_, shape) ? 1 : 0; });
    if (world_.reduce_all(has_structure, MPI_MAX) == 0) {
      if (is_first()) note(fmt::format("nothing is finished in {}", path_.string()));
      start = Start::fresh;
    }
  }
  if (start == Start::fresh) first_alone([&] { ResultFile::create(path_, shape); });
  // Ranks that don't write hear of it all the same.
  if (path_.empty()) path_ = "scratch";
  open_file(path_, ResultFile::Access::write);
  if (start != Start::resume) return start;
  resumed_ = read_items();
  if (resumed_.failed > 0 && is_first()) {
    note(fmt::format("{} of {} items failed before and are tried again", resumed_.failed, shape.items()));
  }
  return start;
}

double Output::close() {
  const Stopwatch watch;
  collective(world_, [&] {
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

double Output::publish(std::uint64_t digest, const RunTables& tables, int threads) {
  if (path_.empty()) return 0;
  Stopwatch watch;
  first_alone([&] {
    reduce(path_);
    Seal seal{digest, tables, provenance(options_), {}};
    if (reduced_) seal.reduced.push_back(*reduced_);
    ResultFile::seal(path_, workload().shape(), seal);
  });
  double write_s = watch.seconds();
  if (options_.verify) first_alone([&] { verify_file(path_, threads); });
  watch.lap();
  if (!options_.output.empty()) first_alone([&] { put_in_place(path_, options_.output); });
  write_s += watch.lap();
  if (!drawn_paths(parts_).empty()) {
    // Rank 0 alone knows the name of a scratch file.
    const fs::path scratch = world_.gather_all_text(path_.string()).front();
    draw(options_.output.empty() ? scratch : options_.output);
  }
  return write_s;
}

std::uint64_t Output::look_again(int threads) {
  first_alone([&] {
    if (options_.verify) verify_file(options_.output, threads);
    reduce(options_.output);
  });
  const int is_missing = world_.rank() == 0 && is_picture_missing_ && !drawn_paths(parts_).empty() ? 1 : 0;
  if (world_.reduce_all(is_missing, MPI_MAX) == 1) draw(options_.output);
  return stored_digest_;
}

/// On rank 0 alone.
void Output::reduce(const fs::path& from) {
  if (parts_.reduction == nullptr) return;
  const ResultFile file(from, std::nullopt, workload().shape(), ResultFile::Access::read);
  reduced_ = parts_.reduction->reduce([&](Slab items, std::span<std::byte> bytes) { file.read(items, bytes); });
}

/// On rank 0 alone: reads the file as it is on disk, as does draw(), which is collective.
void Output::verify_file(const fs::path& from, int threads) {
  const ResultFile file(from, std::nullopt, workload().shape(), ResultFile::Access::read);
  verify(workload(), parts_.inputs, file, threads, options_.memory_limit);
}

void Output::draw(const fs::path& from) {
  const Stopwatch watch;
  draw_together(world_, node_, workload(), *parts_.drawn_files, from, options_.memory_limit);
  picture_s_ = watch.seconds();
}

}  // namespace paceline
