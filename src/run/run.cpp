#include "run/run.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstring>
#include <ctime>
#include <limits>
#include <set>
#include <thread>

#include "run/compute.hpp"
#include "run/fail.hpp"
#include "run/interrupt.hpp"
#include "run/machine.hpp"
#include "run/progress.hpp"
#include "run/report.hpp"
#include "run/resume.hpp"
#include "run/verify.hpp"
#include "run/watchdog.hpp"
#include "run/writer.hpp"
#include "storage/output_path.hpp"
#include "storage/result_file.hpp"

namespace paceline {
namespace {

namespace fs = std::filesystem;

/// Costs of sample_items(), each computed by one rank and known to all.
std::vector<double> sampled_costs(const Comm& world, const Workload& workload, int threads) {
  const auto items = sample_items(workload.shape().items(), world.size());
  const auto mine = even_part({0, static_cast<std::int64_t>(items.size())}, world.rank(), world.size());
  std::vector<double> costs(static_cast<std::size_t>(mine.size()));
#pragma omp parallel for schedule(dynamic) num_threads(threads)
  for (std::int64_t k = mine.begin; k < mine.end; ++k) {
    costs[static_cast<std::size_t>(k - mine.begin)] = workload.estimate_cost(items[static_cast<std::size_t>(k)]);
  }
  std::vector<double> all;
  for (const auto& part : world.gather_all(costs)) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Plan make_plan(const Comm& world, const RunOptions& options, int threads) {
  const auto& shape = options.workload->shape();
  PlanRequest request;
  request.items = shape.items();
  // A digest is held beside each item.
  request.bytes_per_item = shape.bytes_per_item() + 8;
  request.ranks = world.size();
  request.threads = threads;
  request.schedule = options.schedule;
  request.gather = options.gather;
  request.chunk = options.chunk;
  request.memory_limit = options.memory_limit;
  request.worst_item_work = options.workload->worst_item_work();
  if (options.schedule == Schedule::weighted) request.costs = sampled_costs(world, *options.workload, threads);
  std::optional<Plan> plan;
  together(world, [&] { plan.emplace(std::move(request)); });
  return std::move(*plan);
}

/// However the two are spelt; they need not be there yet.
bool is_same_place(const fs::path& a, const fs::path& b) {
  const auto place = [](const fs::path& path) {
    std::error_code code;
    const auto full = fs::weakly_canonical(fs::absolute(path, code), code);
    return code ? path : full;
  };
  return place(a) == place(b);
}

Provenance provenance(const RunOptions& options) {
  return {{"software", std::string("paceline")},
          {"software_version", std::string(PACELINE_VERSION)},
          {"command", options.command},
          {"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)))}};
}

/// The run of one rank. Members are in the order in which they come to life.
class Runner {
 public:
  Runner(const Comm& world, const RunOptions& options, const Stopwatch& since_start)
      : world_(world),
        options_(options),
        workload_(*options.workload),
        since_start_(since_start),
        machine_(read_machine()),
        node_(world.split_node()),
        board_(node_),
        threads_(world.reduce_all(threads_of_rank(options.threads, machine_), MPI_MAX)) {
    omp_set_num_threads(threads_);
    me_.rank = world.rank();
    std::strncpy(me_.host, machine_.host.c_str(), sizeof me_.host - 1);
    me_.bound_cores = static_cast<std::int32_t>(machine_.bound_cores.size());
    me_.threads = threads_;
    me_.init_s = since_start.seconds();
  }

  ExitCode run() {
    Stopwatch watch;
    const auto plan = make_plan(world_, options_, threads_);
    me_.plan_s = watch.lap();
    if (options_.dry_run) {
      const auto bound = world_.gather_all(std::vector<int>{me_.bound_cores});
      std::vector<int> cores;
      for (const auto& part : bound) cores.push_back(part.front());
      if (is_first()) fmt::print("{}", plan_report(options_, plan, cores));
      return ExitCode::done;
    }

    const auto start = scatter();
    me_.scatter_s = watch.lap();
    if (start == Start::complete) return report(plan, stored_);

    const auto computed = compute_and_write(plan);
    const auto total = world_.reduce_all(computed.items, MPI_SUM) + resumed_.items;
    if (total < workload_.shape().items()) stop_resumable(total);

    Digest digest = resumed_.digest;
    digest.add(world_.reduce_all(computed.digest.sum(), MPI_SUM));
    finish(digest.text(), computed.busy_s);
    gather_tables(computed.busy_s);
    return report(plan, digest.text());
  }

 private:
  [[nodiscard]] bool is_first() const { return world_.rank() == 0; }
  [[nodiscard]] bool wants_file() const { return !file_path_.empty(); }

  /// Measures what rank 0 does while the others wait; collective, errors are agreed upon.
  void first_alone(const std::function<void()>& action) {
    const Stopwatch watch;
    together(world_, [&] {
      if (is_first()) action();
    });
    serial_s_ += watch.seconds();
  }

  /// Opens the file and finds out what is left to do.
  Start scatter() {
    const auto& shape = workload_.shape();
    // Pictures and --verify read the result back; without an output it lies in a scratch file of rank 0.
    const bool reads_back = options_.verify || !workload_.side_outputs().empty();
    const bool is_scratch = options_.output.empty() && reads_back;
    int start = static_cast<int>(Start::fresh);
    first_alone([&] {
      const auto bytes = shape.items() * (shape.bytes_per_item() + 9) + (std::int64_t{1} << 20);
      const auto existing = options_.force    ? Existing::overwrite
                            : options_.resume ? Existing::resume
                                              : Existing::refuse;
      if (!options_.output.empty()) start = static_cast<int>(check_output(options_.output, existing, bytes));
      for (const auto& side : workload_.side_outputs()) {
        const auto& output = options_.output;
        if (!output.empty() && (is_same_place(side, output) || is_same_place(side, part_of(output)))) {
          throw Error(ExitCode::usage, "two outputs have the same name", side.string(), "give each its own");
        }
        check_output(side, existing == Existing::resume ? Existing::overwrite : existing, 0);
      }
      if (static_cast<Start>(start) == Start::complete) stored_ = stored_digest(options_.output, shape);
    });
    start = world_.reduce_all(start, MPI_MAX);
    if (static_cast<Start>(start) == Start::complete) {
      resumed_.items = shape.items();
      if (is_first()) fmt::print(stderr, "paceline: note: {} is complete already\n", options_.output.string());
      return Start::complete;
    }
    if (is_scratch) {
      const auto near =
          workload_.side_outputs().empty() ? fs::temp_directory_path() / "paceline" : workload_.side_outputs().front();
      file_path_ = fmt::format("{}.{}.scratch", near.string(), getpid());
    } else if (!options_.output.empty()) {
      file_path_ = part_of(options_.output);
    }
    if (wants_file()) open_file(static_cast<Start>(start), is_scratch);
    return static_cast<Start>(start);
  }

  void open_file(Start start, bool is_scratch) {
    const auto& shape = workload_.shape();
    const bool parallel = options_.gather == Gather::parallel && !is_scratch;
    is_scratch_ = is_scratch;
    // The structure is one rank's work; from then on only data changes, so that the file opens whenever a run ends.
    if (start == Start::fresh) first_alone([&] { ResultFile::create(file_path_, shape, provenance(options_)); });
    together(world_, [&] {
      if (!parallel && !is_first()) return;
      const auto comm = parallel ? std::optional(world_.duplicate()) : std::nullopt;
      file_.emplace(file_path_, comm, shape, ResultFile::Access::write);
    });
    if (start == Start::resume) {
      resumed_ =
          read_resumed(world_, file_ ? &*file_ : nullptr, shape.items(), shape.bytes_per_item(), options_.memory_limit);
    }
  }

  ComputeResult compute_and_write(const Plan& plan) {
    const auto& shape = workload_.shape();
    // The writing thread has communicators of its own; its collectives don't mix with anyone's.
    const auto writer_comm = world_.duplicate();
    const auto dispenser = make_dispenser(plan, writer_comm, board_);
    Bands bands(plan, world_.rank(), shape.bytes_per_item(), threads_);
    Gatherer gatherer(plan, writer_comm, shape.bytes_per_item());
    Watchdog watchdog(world_, board_, options_.watchdog_s);
    const auto items_here = static_cast<std::int64_t>(
        std::llround(static_cast<double>(shape.items() - resumed_.items) * node_.size() / world_.size()));
    std::optional<Progress> progress;
    if (is_first()) progress.emplace(options_.name, items_here, progress_style(options_.progress));
    const auto meanwhile = [&] {
      watchdog.look();
      // With several nodes it is this one's share that is known, and that may be more than expected.
      const auto done = board_.shared().items_done.load(std::memory_order_relaxed);
      if (progress) progress->show(std::min(done, items_here - 1));
    };

    WriterResult written;
    std::thread writer([&] {
      or_abort(world_, [&] {
        written = write_bands(plan, writer_comm, bands, board_, *dispenser, wants_file() ? &gatherer : nullptr,
                              file_ ? &*file_ : nullptr, meanwhile);
      });
    });
    const Stopwatch watch;
    const auto computed = compute(plan, workload_, *dispenser, bands, board_, resumed_.finished);
    const auto computing_s = watch.seconds();
    writer.join();
    if (progress && !board_.stopping()) progress->show(items_here);
    const auto all_s = world_.reduce_all(watch.seconds(), MPI_MAX);
    // Where rank 0 writes alone, what it still has to write when all have computed is serial time.
    if (options_.gather == Gather::root) serial_s_ += all_s - world_.reduce_all(computing_s, MPI_MAX);

    me_.compute_s = *std::max_element(computed.busy_s.begin(), computed.busy_s.end());
    me_.gather_s = written.gather_s;
    me_.write_s = written.write_s;
    me_.items = computed.items;
    me_.work_useful = computed.work.useful;
    me_.work_executed = computed.work.executed;
    fail_together(computed.error ? computed.error : written.error);
    return computed;
  }

  /// An error of any rank, after which all stopped: what is finished is saved.
  void fail_together(const std::optional<Error>& mine) {
    try {
      agree(world_, mine);
    } catch (const AgreedError&) {
      close_for_resume();
      throw;
    }
  }

  void close_for_resume() {
    try {
      if (file_) file_->close();
    } catch (const Error&) {
      // The first error is the one to tell; the file is on disk as far as it could be.
    }
    remove_scratch();
  }

  [[noreturn]] void stop_resumable(std::int64_t finished) {
    const int signal = world_.reduce_all(interrupt_signal(), MPI_MAX);
    close_for_resume();
    const auto what = fmt::format("interrupted by signal {} ({})", signal, strsignal(signal));
    if (options_.output.empty()) {
      throw AgreedError(Error(ExitCode::failure, what, "there is no --output, so nothing is saved"));
    }
    throw AgreedError(
        Error(ExitCode::interrupted, what,
              fmt::format("{} of {} items are saved in {}", finished, workload_.shape().items(), file_path_.string()),
              "the same command with --resume goes on"));
  }

  void gather_tables(const std::vector<double>& busy_s) {
    tables_ = {};
    for (const auto& rows : world_.gather_all(std::vector<RankRow>{me_})) tables_.ranks.push_back(rows.front());
    tables_.threads = threads_;
    for (const auto& busy : world_.gather_all(busy_s)) {
      tables_.busy_s.insert(tables_.busy_s.end(), busy.begin(), busy.end());
    }
  }

  void finish(const std::string& digest, const std::vector<double>& busy_s) {
    if (!wants_file()) return;
    const Stopwatch watch;
    together(world_, [&] {
      if (file_) file_->close();
    });
    if (file_) io_mode_ = file_->io_mode();
    me_.write_s += watch.seconds();
    gather_tables(busy_s);
    first_alone([&] { ResultFile::seal(file_path_, digest, tables_); });
    first_alone([&] { read_back(); });
    const Stopwatch publishing;
    if (is_scratch_) {
      remove_scratch();
    } else {
      first_alone([&] { publish(options_.output); });
    }
    me_.write_s += publishing.seconds();
  }

  /// On rank 0: pictures and --verify, from the file as it is on disk.
  void read_back() {
    if (!options_.verify && workload_.side_outputs().empty()) return;
    const ResultFile file(file_path_, std::nullopt, workload_.shape(), ResultFile::Access::read);
    const ReadItems read = [&](Slab items, std::span<std::byte> bytes) { file.read(items, bytes); };
    if (options_.verify) verify(workload_, read, threads_, options_.memory_limit);
    const Stopwatch watch;
    if (!workload_.side_outputs().empty()) {
      workload_.finish(read, options_.memory_limit);
      picture_s_ = watch.seconds();
    }
  }

  void remove_scratch() {
    std::error_code code;
    if (is_scratch_ && is_first()) fs::remove(file_path_, code);
  }

  ExitCode report(const Plan& plan, const std::string& digest) {
    if (tables_.ranks.empty()) gather_tables(std::vector<double>(static_cast<std::size_t>(threads_), 0.0));
    Record record;
    record.options = &options_;
    record.plan = &plan;
    record.nodes = world_.reduce_all(node_.rank() == 0 ? 1 : 0, MPI_SUM);
    record.cores_used = cores_used();
    for (const auto& row : tables_.ranks) record.computed_items += row.items;
    record.tables = tables_;
    record.resumed_items = resumed_.items;
    record.digest = digest;
    record.wall_s = world_.reduce_all(since_start_.seconds(), MPI_MAX);
    record.serial_s = serial_s_;
    record.picture_s = picture_s_;
    record.io_mode = wants_file() ? io_mode_ : "none";
    if (is_first()) {
      const auto text = options_.json ? json_report(record) : text_report(record);
      if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
        throw AgreedError(Error(ExitCode::output, "can't write the report", std::strerror(errno)));
      }
    }
    return ExitCode::done;
  }

  /// Cores that any rank is bound to, over all nodes.
  int cores_used() {
    std::set<int> cores;
    for (const auto& bound : node_.gather_all(machine_.bound_cores)) cores.insert(bound.begin(), bound.end());
    return world_.reduce_all(node_.rank() == 0 ? static_cast<int>(cores.size()) : 0, MPI_SUM);
  }

  const Comm& world_;
  const RunOptions& options_;
  const Workload& workload_;
  const Stopwatch& since_start_;
  Machine machine_;
  Comm node_;
  Board board_;
  int threads_;
  RankRow me_;
  fs::path file_path_;  ///< while the run is under way; empty: none is needed
  bool is_scratch_ = false;
  std::optional<ResultFile> file_;
  Resumed resumed_;
  std::string stored_;  ///< digest of a file that is complete already
  RunTables tables_;
  std::string io_mode_;
  double serial_s_ = 0;
  double picture_s_ = 0;
};

}  // namespace

ExitCode run(const Comm& world, const RunOptions& options, const Stopwatch& since_start) {
  catch_interrupts();
  // The runner outlives the call: its file is closed collectively, which must not happen while one rank fails alone.
  std::optional<Runner> runner;
  return or_abort(world, [&] { return runner.emplace(world, options, since_start).run(); });
}

}  // namespace paceline
