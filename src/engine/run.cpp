#include "engine/run.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <omp.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string_view>
#include <thread>

#include <paceline/probed_wait.hpp>

#include "engine/accounts.hpp"
#include "engine/compute.hpp"
#include "engine/fail.hpp"
#include "engine/failures.hpp"
#include "engine/memory_rate.hpp"
#include "engine/output.hpp"
#include "engine/planning.hpp"
#include "engine/scan.hpp"
#include "engine/watchdog.hpp"
#include "engine/writer.hpp"
#include "host/interrupt.hpp"
#include "host/machine.hpp"
#include "host/places.hpp"
#include "host/progress.hpp"
#include "report/report.hpp"

namespace paceline {
namespace {

/// The run of one rank. Members are in the order in which they come to life.
class Runner {
 public:
  Runner(const Comm& world, const RunOptions& options, const Stopwatch& since_start)
      : world_(world),
        options_(options),
        workload_(*options.workload),
        parts_(workload_.parts()),
        since_start_(since_start),
        machine_(read_machine()),
        node_(world.split_node()),
        node_state_(node_),
        watchdog_(world, node_state_, options.watchdog_s),
        watching_(watchdog_),
        bound_cores_(node_.gather_all(machine_.bound_cores)),
        threads_(agreed_threads(world, machine_, bound_cores_, options.threads)),
        workers_(parts_.waiting != nullptr ? parts_.waiting->workers(rank_info()) : threads_),
        most_workers_(world.reduce_all(workers_, MPI_MAX)),
        variable_bytes_(options.memory_limit / 2),
        output_(world, node_, options, parts_) {
    omp_set_num_threads(threads_);
    spread_threads(processors_of_threads(machine_, bound_cores_, node_.rank(), workers_));
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
    if (is_started_) parts_.waiting->end();
  }

  ExitCode run() {
    phase("plan", [&] { make_plan(); });
    if (options_.dry_run) return print_plan();
    auto start = Start::fresh;
    phase("scatter", [&] {
      start_waiting();
      start = output_.open();
      if (start != Start::complete) load_inputs();
    });
    if (start == Start::complete) return report(output_.look_again(checking_threads()));
    run_serial_part();
    compute_and_write();
    check_complete();
    measure_memory();
    publish();
    return report(digest_.sum());
  }

 private:
  [[nodiscard]] bool is_first() const { return world_.rank() == 0; }
  [[nodiscard]] RankInfo rank_info() const { return {world_.rank(), world_.size(), threads_}; }

  /// Times `action` as the phase of that name.
  template <class Action>
  void phase(std::string_view name, Action&& action) {
    const Stopwatch watch;
    action();
    const auto* found = std::find_if(phases.begin(), phases.end(), [&](const Phase& p) { return p.name == name; });
    me_.*(found->seconds) += watch.seconds();
  }

  void make_plan() {
    // Both may follow from a file that is looked at first.
    scan_file(
        world_, node_, parts_.scanned_file, threads_, options_.memory_limit,
        options_.output.empty() ? std::filesystem::path() : std::filesystem::absolute(options_.output).parent_path());
    read_root_input(world_, parts_.root_input, options_.memory_limit);
    measure_inputs(world_, parts_.inputs, options_.memory_limit);
    check_workers();
    plan_.emplace(paceline::make_plan(world_, node_, options_, parts_, most_workers_));
  }

  /// What a rank without workers owns would never be computed.
  void check_workers() {
    if (options_.schedule == Schedule::dynamic || world_.reduce_all(workers_, MPI_MIN) > 0) return;
    throw AgreedError(Error(ErrorKind::usage, fmt::format("some of {} ranks have nothing to work with", world_.size()),
                            fmt::format("--schedule {} gives items to all of them", to_string(options_.schedule)),
                            "use --schedule dynamic, or fewer ranks"));
  }

  ExitCode print_plan() {
    const auto bound = world_.gather_all(std::vector<int>{me_.bound_cores});
    std::vector<int> cores;
    for (const auto& part : bound) cores.push_back(part.front());
    const auto say = options_.json ? plan_json : plan_report;
    if (is_first()) fmt::print("{}", say(options_, parts_, *plan_, cores));
    return ExitCode::done;
  }

  void start_waiting() {
    if (parts_.waiting == nullptr) return;
    // Variable bytes that are freed go back to the system. By itself glibc keeps more the larger the pieces are that it
    // has seen freed: three times the limit and more.
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    collective(world_, [&] {
      parts_.waiting->start({rank_info(), options_.memory_limit, [this] { return node_state_.stopping_for_signals(); },
                             &variable_bytes_});
      is_started_ = true;
    });
  }

  void load_inputs() {
    inputs_.emplace(*plan_, parts_.inputs, world_, node_);
    inputs_->load();
  }

  void run_serial_part() {
    if (parts_.serial == nullptr) return;
    const Stopwatch watch;
    collective(world_, [&] {
      if (is_first()) parts_.serial->run_serial_part([] { return interrupt_signal() != 0; });
    });
    serial_part_s_ = watch.seconds();
  }

  void compute_and_write() {
    const auto& shape = workload_.shape();
    const auto writer_comm = world_.duplicate();
    const auto dispenser =
        make_dispenser(*plan_, writer_comm, node_state_, workers_ > 0 ? Workers::some : Workers::none);
    Bands bands(*plan_, shape, world_.rank(), most_workers_);
    const Stopwatch touching;
    if (workload_.traits().is_memory_bound) bands.first_touch();
    const auto touch_s = touching.seconds();
    Gatherer gatherer(*plan_, shape, writer_comm);
    const auto items_here = static_cast<std::int64_t>(
        std::llround(static_cast<double>(shape.items() - output_.resumed().items) * node_.size() / world_.size()));
    std::optional<Progress> progress;
    if (is_first()) progress.emplace(options_.name, items_here, progress_style(options_.progress));

    WriterContext context{*plan_, shape, writer_comm, *inputs_, bands, node_state_, *dispenser};
    context.gatherer = output_.path().empty() ? nullptr : &gatherer;
    context.file = output_.file();
    context.variable = &variable_bytes_;
    context.variable_end = output_.resumed().variable_end;
    context.save_every_s = options_.save_every_s;
    context.meanwhile = [&] {
      // With several nodes it is this one's share that is known, and that may be more than expected.
      const auto done = node_state_.shared().items_done.load(std::memory_order_relaxed);
      if (progress) progress->show(std::min(done, items_here - 1));
    };
    WriterResult written;
    std::thread writer([&] { or_abort(world_, [&] { written = write_bands(context); }); });
    const Stopwatch watch;
    const auto computed = compute({*plan_, workload_, *inputs_, *dispenser, bands, node_state_,
                                   output_.resumed().finished, workers_, parts_.waiting});
    const auto computing_s = watch.seconds();
    {
      const ProbedWait wait;
      writer.join();
    }
    if (progress && !node_state_.stopping()) progress->show(items_here);
    const auto all_s = world_.reduce_all(watch.seconds(), MPI_MAX);
    efficiency_ = gather_efficiency(world_, computed, workers_, computing_s, all_s);
    // Where rank 0 writes alone, what it still has to write when all have computed is serial time.
    if (plan_->request().gather == Gather::root) write_tail_s_ = all_s - world_.reduce_all(computing_s, MPI_MAX);

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
    busy_s_ = computed.busy_s;
    fail_together(computed.error ? computed.error : written.error);
    computed_bytes_ = world_.reduce_all(computed.bytes, MPI_SUM);
    finished_items_ = world_.reduce_all(computed.items, MPI_SUM) + output_.resumed().items;
    digest_ = output_.resumed().digest;
    digest_.add(world_.reduce_all(computed.digest.sum(), MPI_SUM));
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

  /// A run that was stopped ends here.
  void check_complete() {
    if (finished_items_ == workload_.shape().items()) return;
    const int signal = world_.reduce_all(interrupt_signal(), MPI_MAX);
    output_.close_quietly();
    const auto what = fmt::format("interrupted by signal {} ({})", signal, strsignal(signal));
    if (options_.output.empty()) {
      throw AgreedError(Error(ErrorKind::failure, what, "there is no --output, so nothing is saved",
                              "with one, --resume could go on"));
    }
    throw AgreedError(Error(ErrorKind::interrupted, what,
                            fmt::format("{} of {} items are saved in {}", finished_items_, workload_.shape().items(),
                                        output_.path().string()),
                            "the same command with --resume goes on"));
  }

  void measure_memory() {
    const Stopwatch watch;
    rate_alone_ = rate_alone(world_, node_, *plan_, workload_, *inputs_, machine_.cache_bytes);
    not_of_the_run_s_ = watch.seconds();
  }

  void publish() {
    me_.write_s += output_.close();
    tables_ = gather_tables(world_, me_, busy_s_, workers_, most_workers_);
    me_.write_s += output_.publish(digest_.sum(), tables_, checking_threads());
    tables_ = gather_tables(world_, me_, busy_s_, workers_, most_workers_);
  }

  /// That compute items again. Workers that wait are not threads.
  [[nodiscard]] int checking_threads() const {
    constexpr int most_that_wait = 32;
    return std::max(1, parts_.waiting != nullptr ? std::min(workers_, most_that_wait) : workers_);
  }

  ExitCode report(std::uint64_t digest) {
    if (tables_.ranks.empty()) tables_ = gather_tables(world_, me_, busy_s_, workers_, most_workers_);
    RunSummary summary;
    summary.options = &options_;
    summary.parts = &parts_;
    summary.plan = &*plan_;
    summary.nodes = plan_->request().nodes;
    summary.cores_used = cores_used(world_, node_, bound_cores_);
    for (const auto& row : tables_.ranks) summary.computed_items += row.items;
    summary.computed_bytes = computed_bytes_;
    summary.tables = tables_;
    summary.resumed_items = output_.resumed().items;
    summary.retried_items = output_.resumed().failed;
    Digest sum;
    sum.add(digest);
    summary.digest = sum.text();
    summary.wall_s = world_.reduce_all(since_start_.seconds() - not_of_the_run_s_, MPI_MAX);
    if (parts_.waiting == nullptr) summary.efficiency = efficiency_;
    summary.serial_part_s = serial_part_s_;
    summary.serial_s = output_.serial_s() + write_tail_s_ + serial_part_s_;
    summary.picture_s = output_.picture_s();
    summary.huge_bytes = world_.reduce_all(inputs_ ? inputs_->times().huge_bytes : 0, MPI_SUM);
    summary.rate_alone = rate_alone_;
    summary.reduced = output_.reduced();
    summary.io_mode = output_.io_mode();
    summary.workers = world_.reduce_all(workers_, MPI_SUM);
    if (parts_.retries != nullptr) summary.failures = gather_failures(world_, parts_.retries->failures());
    if (is_first()) {
      const auto text = options_.json ? json_report(summary) : text_report(summary);
      if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0) {
        throw AgreedError(Error(ErrorKind::output, "can't write the report", std::strerror(errno),
                                "free space, or print to another place"));
      }
    }
    fail_if_items_did(world_, summary.failures, workload_.shape().items(), options_.output);
    return ExitCode::done;
  }

  const Comm& world_;
  const RunOptions& options_;
  Workload& workload_;
  const Parts parts_;
  const Stopwatch& since_start_;
  Machine machine_;
  Comm node_;
  NodeState node_state_;
  Watchdog watchdog_;
  const Watchdog::Thread watching_;                  ///< from here on, whatever the run is at
  const std::vector<std::vector<int>> bound_cores_;  ///< of each rank of the node
  int threads_;
  int workers_;       ///< of this rank
  int most_workers_;  ///< that any rank has
  RankRow me_;
  bool is_started_ = false;
  MemoryBudget variable_bytes_;
  Output output_;
  std::optional<Plan> plan_;
  std::optional<Inputs> inputs_;
  std::vector<double> busy_s_;  ///< of this rank's workers
  RunTables tables_;
  Digest digest_;
  std::int64_t finished_items_ = 0;  ///< over all ranks, as are
  std::int64_t computed_bytes_ = 0;
  EfficiencyTree efficiency_;
  double rate_alone_ = 0;        ///< work per second of one core alone
  double not_of_the_run_s_ = 0;  ///< what measuring it took
  double serial_part_s_ = 0;     ///< the workload's own
  double write_tail_s_ = 0;      ///< rank 0 writing while nobody computes
};

}  // namespace

ExitCode run(const Comm& world, const RunOptions& options, const Stopwatch& since_start) {
  catch_interrupts();
  // The runner outlives the call: its file is closed collectively, which must not happen while one rank fails alone.
  std::optional<Runner> runner;
  return or_abort(world, [&] { return runner.emplace(world, options, since_start).run(); });
}

}  // namespace paceline
