#include "engine/run.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <omp.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include "engine/compute.hpp"
#include "engine/fail.hpp"
#include "engine/failures.hpp"
#include "engine/memory_rate.hpp"
#include "engine/output.hpp"
#include "engine/scan.hpp"
#include "engine/watchdog.hpp"
#include "engine/writer.hpp"
#include "host/interrupt.hpp"
#include "host/machine.hpp"
#include "host/progress.hpp"
#include "report/report.hpp"

namespace paceline {
namespace {

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

Plan make_plan(const Comm& world, const Comm& node, const RunOptions& options, int threads) {
  const auto& workload = *options.workload;
  const auto& shape = workload.shape();
  PlanRequest request;
  request.items = shape.items();
  // A digest is held beside each item, and its record.
  request.bytes_per_item = shape.bytes_per_item() + 8;
  if (!shape.records.empty()) request.bytes_per_item += std::int64_t{sizeof(ItemRecord)};
  request.datasets = std::max(std::int64_t{1}, std::ssize(shape.columns));
  request.ordered = workload.is_ordered();
  request.ranks = world.size();
  request.threads = threads;
  request.schedule = options.schedule;
  request.gather = gather_of(options);
  request.chunk = options.chunk;
  // The rest is for what a survey has kept, and no longer for the bytes it was on its way with.
  request.memory_limit = workload.source().empty() ? options.memory_limit : options.memory_limit / 2;
  request.worst_item_work = workload.worst_item_work();
  if (!workload.inputs().empty()) {
    request.input_bytes_per_item =
        std::ssize(workload.inputs()) * workload.elements_per_item() * std::int64_t{sizeof(double)};
    request.inputs_can_be_made = workload.inputs().front().is_made();
    const bool owns_slabs = options.schedule == Schedule::block || options.schedule == Schedule::weighted;
    if (workload.input_memory() == InputMemory::per_node && !owns_slabs) {
      request.input_sharers = world.reduce_all(node.size(), MPI_MIN);
    }
  }
  if (options.schedule == Schedule::weighted) request.costs = sampled_costs(world, workload, threads);
  std::optional<Plan> plan;
  together(world, [&] { plan.emplace(std::move(request)); });
  return std::move(*plan);
}

/// Brings what only rank 0 can read to all. Collective; errors are agreed upon.
void brief(const Comm& world, Workload& workload, std::int64_t memory_limit) {
  if (!workload.has_brief()) return;
  std::string text;
  together(world, [&] {
    if (world.rank() == 0) text = workload.read_brief(memory_limit);
  });
  const auto everywhere = world.gather_all_text(text).front();
  together(world, [&] { workload.set_brief(everywhere); });
}

/// The most that any rank was given: the environment may differ between nodes.
int agreed_threads(const Comm& world, int asked, const Machine& machine) {
  int threads = 0;
  together(world, [&] { threads = threads_of_rank(asked, machine); });
  return world.reduce_all(threads, MPI_MAX);
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
        threads_(agreed_threads(world, options.threads, machine_)),
        workers_(workload_.concurrency(place())),
        most_workers_(world.reduce_all(workers_, MPI_MAX)),
        output_(world, options) {
    omp_set_num_threads(threads_);
    me_.rank = world.rank();
    std::strncpy(me_.host, machine_.host.c_str(), sizeof me_.host - 1);
    me_.bound_cores = static_cast<std::int32_t>(machine_.bound_cores.size());
    me_.threads = threads_;
    me_.init_s = since_start.seconds();
  }

  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() {
    // It may still ask whether to stop.
    if (is_started_) options_.workload->end();
  }

  ExitCode run() {
    Stopwatch watch;
    survey_source(
        world_, *options_.workload, threads_, options_.memory_limit,
        options_.output.empty() ? std::filesystem::path() : std::filesystem::absolute(options_.output).parent_path());
    brief(world_, *options_.workload, options_.memory_limit);
    measure_inputs(world_, *options_.workload, options_.memory_limit);
    check_workers();
    const auto plan = make_plan(world_, node_, options_, most_workers_);
    me_.plan_s = watch.lap();
    if (options_.dry_run) {
      const auto bound = world_.gather_all(std::vector<int>{me_.bound_cores});
      std::vector<int> cores;
      for (const auto& part : bound) cores.push_back(part.front());
      const auto say = options_.json ? plan_json : plan_report;
      if (is_first()) fmt::print("{}", say(options_, plan, cores));
      return ExitCode::done;
    }

    // What is freed of parcels goes back to the system. By itself glibc keeps more the larger the pieces are that it
    // has seen freed: three times the limit and more.
    if (workload_.shape().is_variable()) mallopt(M_MMAP_THRESHOLD, 1 << 20);
    Watchdog watchdog(world_, board_, options_.watchdog_s);
    const Watchdog::Thread watching(watchdog);
    together(world_, [&] { start(); });
    const auto start = output_.open();
    if (start == Start::complete) return report(plan, output_.look_again(std::max(1, workers_)));
    inputs_.emplace(plan, workload_, world_, node_);
    inputs_->load();
    me_.scatter_s = watch.lap();

    serial_part();
    const auto computed = compute_and_write(plan);
    computed_bytes_ = world_.reduce_all(computed.bytes, MPI_SUM);
    const auto total = world_.reduce_all(computed.items, MPI_SUM) + output_.resumed().items;
    if (total < workload_.shape().items()) stop_resumable(total);

    const Stopwatch probing;
    alone_ = rate_alone(world_, node_, plan, workload_, *inputs_, machine_.cache_bytes);
    probe_s_ = probing.seconds();

    Digest digest = output_.resumed().digest;
    digest.add(world_.reduce_all(computed.digest.sum(), MPI_SUM));
    me_.write_s += output_.close();
    gather_tables(computed.busy_s);
    me_.write_s += output_.publish(digest.text(), tables_, std::max(1, workers_));
    gather_tables(computed.busy_s);
    return report(plan, digest.text());
  }

 private:
  [[nodiscard]] bool is_first() const { return world_.rank() == 0; }

  [[nodiscard]] Place place() const { return {world_.rank(), world_.size(), threads_}; }

  void start() {
    options_.workload->start({place(), options_.memory_limit, [this] { return board_.stopping_for_signals(); },
                              [this] {
                                const std::lock_guard lock(bands_mutex_);
                                return bands_ == nullptr ? std::int64_t{0} : bands_->held_bytes();
                              }});
    is_started_ = true;
  }

  /// While there are any.
  void show_bands(const Bands* bands) {
    const std::lock_guard lock(bands_mutex_);
    bands_ = bands;
  }

  /// What a rank without workers owns would never be computed.
  void check_workers() {
    if (options_.schedule == Schedule::dynamic || world_.reduce_all(workers_, MPI_MIN) > 0) return;
    throw AgreedError(Error(ExitCode::usage, fmt::format("some of {} ranks have nothing to work with", world_.size()),
                            fmt::format("--schedule {} gives items to all of them", to_string(options_.schedule)),
                            "use --schedule dynamic, or fewer ranks"));
  }

  void serial_part() {
    const Stopwatch watch;
    together(world_, [&] {
      if (is_first()) workload_.serial_part([] { return interrupt_signal() != 0; });
    });
    serial_part_s_ = watch.seconds();
  }

  ComputeResult compute_and_write(const Plan& plan) {
    const auto& shape = workload_.shape();
    // The writing thread has communicators of its own; its collectives don't mix with anyone's.
    const auto writer_comm = world_.duplicate();
    const auto dispenser = make_dispenser(plan, writer_comm, board_, workers_ > 0 ? Workers::some : Workers::none);
    std::optional<Bands> bands_here;
    if (shape.is_variable()) {
      // Rank 0 holds its own, a batch of another rank's, and what HDF5 is given of them.
      bands_here.emplace(plan, world_.rank(), most_workers_, options_.memory_limit / 3);
    } else {
      bands_here.emplace(plan, world_.rank(), shape.bytes_per_item(), most_workers_,
                         shape.records.empty() ? Bands::Records::none : Bands::Records::kept);
    }
    auto& bands = *bands_here;
    show_bands(&bands);
    const Stopwatch touching;
    if (workload_.is_memory_bound()) bands.first_touch();
    const auto touch_s = touching.seconds();
    Gatherer gatherer(plan, writer_comm, shape.bytes_per_item());
    const auto items_here = static_cast<std::int64_t>(
        std::llround(static_cast<double>(shape.items() - output_.resumed().items) * node_.size() / world_.size()));
    std::optional<Progress> progress;
    if (is_first()) progress.emplace(options_.name, items_here, progress_style(options_.progress));
    const auto meanwhile = [&] {
      // With several nodes it is this one's share that is known, and that may be more than expected.
      const auto done = board_.shared().items_done.load(std::memory_order_relaxed);
      if (progress) progress->show(std::min(done, items_here - 1));
    };

    WriterResult written;
    std::thread writer([&] {
      or_abort(world_, [&] {
        written = write_bands(plan, writer_comm, *inputs_, bands, board_, *dispenser,
                              output_.path().empty() ? nullptr : &gatherer, output_.file(), meanwhile);
      });
    });
    const Stopwatch watch;
    const auto computed =
        compute(plan, workload_, *inputs_, *dispenser, bands, board_, output_.resumed().finished, workers_);
    const auto computing_s = watch.seconds();
    writer.join();
    show_bands(nullptr);
    if (progress && !board_.stopping()) progress->show(items_here);
    const auto all_s = world_.reduce_all(watch.seconds(), MPI_MAX);
    // Where rank 0 writes alone, what it still has to write when all have computed is serial time.
    if (plan.request().gather == Gather::root) write_tail_s_ = all_s - world_.reduce_all(computing_s, MPI_MAX);

    me_.compute_s = *std::max_element(computed.busy_s.begin(), computed.busy_s.end());
    me_.scatter_s += touch_s;
    me_.allocate_s = inputs_->times().allocate_s + touch_s;
    me_.fill_s = inputs_->times().fill_s + computed.make_s;
    me_.copy_s = inputs_->times().copy_s;
    me_.digest_s = computed.digest_s;
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
      output_.close_quietly();
      throw;
    }
  }

  [[noreturn]] void stop_resumable(std::int64_t finished) {
    const int signal = world_.reduce_all(interrupt_signal(), MPI_MAX);
    output_.close_quietly();
    const auto what = fmt::format("interrupted by signal {} ({})", signal, strsignal(signal));
    if (options_.output.empty()) {
      throw AgreedError(Error(ExitCode::failure, what, "there is no --output, so nothing is saved"));
    }
    throw AgreedError(Error(
        ExitCode::interrupted, what,
        fmt::format("{} of {} items are saved in {}", finished, workload_.shape().items(), output_.path().string()),
        "the same command with --resume goes on"));
  }

  void gather_tables(const std::vector<double>& busy_s) {
    tables_ = {};
    for (const auto& rows : world_.gather_all(std::vector<RankRow>{me_})) tables_.ranks.push_back(rows.front());
    tables_.threads = most_workers_;
    auto mine = busy_s;
    std::fill(mine.begin() + workers_, mine.end(), std::nan(""));
    for (const auto& busy : world_.gather_all(mine)) {
      tables_.busy_s.insert(tables_.busy_s.end(), busy.begin(), busy.end());
    }
  }

  ExitCode report(const Plan& plan, const std::string& digest) {
    if (tables_.ranks.empty()) gather_tables(std::vector<double>(static_cast<std::size_t>(most_workers_), 0.0));
    Record record;
    record.options = &options_;
    record.plan = &plan;
    record.nodes = world_.reduce_all(node_.rank() == 0 ? 1 : 0, MPI_SUM);
    record.cores_used = cores_used();
    for (const auto& row : tables_.ranks) record.computed_items += row.items;
    record.computed_bytes = computed_bytes_;
    record.tables = tables_;
    record.resumed_items = output_.resumed().items;
    record.retried_items = output_.resumed().failed;
    record.digest = digest;
    record.wall_s = world_.reduce_all(since_start_.seconds() - probe_s_, MPI_MAX);
    record.serial_part_s = serial_part_s_;
    record.serial_s = output_.serial_s() + write_tail_s_ + serial_part_s_;
    record.picture_s = output_.picture_s();
    record.rate_alone = alone_;
    record.value = output_.value();
    record.io_mode = output_.io_mode();
    record.workers = world_.reduce_all(workers_, MPI_SUM);
    if (workload_.has_failures()) record.failures = gather_failures(world_, workload_.failures());
    if (is_first()) {
      const auto text = options_.json ? json_report(record) : text_report(record);
      if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
        throw AgreedError(Error(ExitCode::output, "can't write the report", std::strerror(errno)));
      }
    }
    fail_if_items_did(record.failures);
    return ExitCode::done;
  }

  /// The result is complete, but not all of it is what was wanted.
  void fail_if_items_did(const Failures& failures) {
    if (failures.count == 0) return;
    if (is_first()) fmt::print(stderr, "{}", list(failures));
    const auto& output = options_.output;
    throw AgreedError(Error(ExitCode::check,
                            fmt::format("{} of {} items failed", failures.count, workload_.shape().items()),
                            fmt::format("the first is {}", failures.first.front().what),
                            output.empty() ? "with an --output, the others are kept"
                                           : fmt::format("{} says why, and the same command with --resume tries "
                                                         "them again",
                                                         output.string())));
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
  int workers_;       ///< of this rank
  int most_workers_;  ///< that any rank has
  RankRow me_;
  bool is_started_ = false;
  std::mutex bands_mutex_;
  const Bands* bands_ = nullptr;
  Output output_;
  std::optional<Inputs> inputs_;
  RunTables tables_;
  std::int64_t computed_bytes_ = 0;  ///< over all ranks
  double alone_ = 0;                 ///< work per second of one core alone
  double probe_s_ = 0;               ///< for knowing that: no part of the run
  double serial_part_s_ = 0;         ///< the workload's own
  double write_tail_s_ = 0;          ///< rank 0 writing while nobody computes
};

}  // namespace

ExitCode run(const Comm& world, const RunOptions& options, const Stopwatch& since_start) {
  catch_interrupts();
  // The runner outlives the call: its file is closed collectively, which must not happen while one rank fails alone.
  std::optional<Runner> runner;
  return or_abort(world, [&] { return runner.emplace(world, options, since_start).run(); });
}

}  // namespace paceline
