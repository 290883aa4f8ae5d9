// A pool: functions run as tasks by all threads of all ranks, with the results on rank 0.
//
//   int squared(int x) { return x * x; }
//   ...
//   Pool pool(Comm::world());                        // collective: every rank makes it
//   if (pool.is_driver()) {                          // rank 0 says what is to be done; the others just go on ...
//     auto squares = pool.map<squared>(inputs);
//   }                                                // ... to the end of the scope, where they work until rank 0 ends
//
// Who does what. Rank 0 drives: it alone submits and gets results. It works, too: its threads take tasks like those of
// any other rank, whatever the thread that submits is doing meanwhile, so that one rank is a pool like any other. Every
// rank has PoolOptions::threads compute threads, and one more thread that mostly sleeps and carries messages.
//
// Why collective, and no function that the other ranks call: mpi4py's MPIPoolExecutor starts ranks of its own, which
// batch systems forbid, or (`python -m mpi4py.futures`) runs a whole program's main on rank 0 alone and leaves rank 0
// idle; its MPICommExecutor, and HPX or YGM with their barriers, keep ordinary SPMD programs, in which a pool comes and
// goes as an object between other collective work. That is what this does, with the scope as the only rule.
//
// How tasks go to ranks. What is not begun waits on rank 0, in one queue, from which its own threads take. Each other
// rank is sent as much ahead as it will do in about five milliseconds, by the measured time of a task; what it has not
// begun is asked back when others are idle, so that nothing waits behind a long task. Tasks of map() travel in groups
// that shrink towards the end (guided self-scheduling, Polychronopoulos and Kuck 1987).
//
// What can go wrong is told, by get(), map() or the stream, as a TaskError (task_error.hpp):
//   - a task threw: what(), the rank, the task; the other tasks go on;
//   - a task did not return within task_s: its thread is given up for another one, the other tasks go on;
//   - a rank died or was silent for silence_s: the tasks that it had are lost, the other ranks go on. The death of a
//     rank of the same node is seen within 0.1 s.
// mpirun ends the whole job by itself when a process of it is killed, and the last error is never seen. With `mpirun
// --enable-recovery`, or a launcher that leaves the others alone, it is; MPI can't be finalised after it, so MpiGuard
// does not. Between nodes Open MPI may end a process whose peer is gone before the pool gets to say so. If rank 0 dies,
// the other ranks say so and end themselves.
// Nothing is run twice: who submits knows whether a task may be.
//
// MPI. Messages go by a duplicate of the communicator. The pool's thread calls MPI as long as the pool lives: other
// threads may do so meanwhile if MPI was started with ThreadLevel::multiple. With one rank the pool
// calls no MPI after its construction.
#pragma once

#include <cstdint>
#include <memory>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <paceline/comm.hpp>
#include <paceline/future.hpp>
#include <paceline/pool_queue.hpp>
#include <paceline/stream.hpp>
#include <paceline/task.hpp>

namespace paceline {

struct PoolOptions {
  int threads = 0;        ///< compute threads of this rank; 0: OMP_NUM_THREADS, else the cores it is bound to
  double silence_s = 10;  ///< a rank that is not heard for so long is lost; the same on every rank
  double task_s = 3600;   ///< a task that runs longer is given up; the same on every rank
};

class Pool {
 public:
  /// Collective over `comm`. Throws AgreedError when ranks run different programs or an option makes no sense.
  explicit Pool(const Comm& comm, const PoolOptions& options = {});
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  /// On rank 0: tasks that are not begun are cancelled, those that run are waited for (task_s at most), and the other
  /// ranks are let go. Futures stay good. On other ranks: works until rank 0 is there; but while an exception leaves
  /// the scope it stops at once, and rank 0 loses this rank.
  ~Pool();

  /// True on rank 0. All that follows but workers() is for it alone, and throws Error elsewhere.
  [[nodiscard]] bool is_driver() const;
  /// Compute threads of all ranks together.
  [[nodiscard]] int workers() const { return queue_->workers(); }

  /// Runs f(arguments...) somewhere. Arguments are converted to f's own parameter types. Never waits.
  template <auto f, class... Values>
  auto submit(Values&&... values) {
    using Of = typename Checked<f>::Signature;
    using R = std::conditional_t<Of::returns, typename Of::Result, void>;
    auto result = std::make_shared<detail::OneResult<R>>();
    Writer writer;
    write_arguments<f>(writer, typename Of::Arguments(std::forward<Values>(values)...));
    queue_->post_one(detail::Task<f>::id, writer.take(), result);
    return Future<R>(std::move(result));
  }

  /// f of every input, in the order of inputs. Waits until all are done, then throws the TaskError of the first that
  /// failed. `chunk`: tasks handed out at once; 0: chosen. The caller holds all arguments and results at once; for more
  /// than fits, imap().
  template <auto f, std::ranges::input_range Inputs>
  auto map(Inputs&& inputs, std::int64_t chunk = 0) {
    auto results = map_async<f>(std::forward<Inputs>(inputs), chunk).get();
    if constexpr (Checked<f>::Signature::returns) return results;
  }
  template <auto f, std::ranges::input_range Inputs>
  auto map_async(Inputs&& inputs, std::int64_t chunk = 0) {
    return post_all<f>(std::forward<Inputs>(inputs), chunk);
  }

  /// The same for functions of several arguments: each input is a tuple or pair of them.
  template <auto f, std::ranges::input_range Inputs>
  auto starmap(Inputs&& inputs, std::int64_t chunk = 0) {
    return map<f>(std::forward<Inputs>(inputs), chunk);
  }
  template <auto f, std::ranges::input_range Inputs>
  auto starmap_async(Inputs&& inputs, std::int64_t chunk = 0) {
    return map_async<f>(std::forward<Inputs>(inputs), chunk);
  }

  /// f of every input as a stream to loop over, in the order of inputs (imap) or as results come (imap_unordered).
  /// Inputs are taken while the loop asks for results, never more than StreamOptions::window ahead of it, so that
  /// they may be endless. The stream must not outlive the pool; leaving the loop cancels what is not begun.
  template <auto f, std::ranges::input_range Inputs>
  auto imap(Inputs&& inputs, StreamOptions options = {}) {
    return stream<f>(std::forward<Inputs>(inputs), options, Order::of_inputs);
  }
  template <auto f, std::ranges::input_range Inputs>
  auto imap_unordered(Inputs&& inputs, StreamOptions options = {}) {
    return stream<f>(std::forward<Inputs>(inputs), options, Order::as_they_come);
  }

 private:
  template <auto f>
  struct Checked {
    using Signature = typename detail::Task<f>::Signature;
    static_assert(
        Signature::is_serialisable,
        "arguments and results must be default constructible and serialisable: see serialise.hpp, cereal.hpp");
  };

  template <auto f>
  static void write_arguments(Writer& writer, const typename Checked<f>::Signature::Arguments& arguments) {
    write_value(writer, arguments);
  }

  template <auto f, class Inputs>
  auto post_all(Inputs&& inputs, std::int64_t chunk) {
    if constexpr (!std::ranges::forward_range<Inputs>) {
      // Groups shrink towards the end, so the end must be known.
      std::vector<std::ranges::range_value_t<Inputs>> kept;
      for (auto&& input : inputs) kept.emplace_back(std::forward<decltype(input)>(input));
      return post_all<f>(kept, chunk);
    } else {
      const auto tasks = static_cast<std::int64_t>(std::ranges::distance(inputs));
      auto results = std::make_shared<detail::AllResults<typename Checked<f>::Signature::Result>>(tasks);
      detail::PoolQueue::Cut cut(*queue_, detail::Task<f>::id, results, tasks, chunk);
      for (auto&& input : inputs) {
        // Of a function of several arguments, the input is their tuple.
        write_arguments<f>(cut.writer(),
                           typename Checked<f>::Signature::Arguments(std::forward<decltype(input)>(input)));
        cut.next();
      }
      return Future<std::vector<typename Checked<f>::Signature::Result>>(std::move(results));
    }
  }

  template <auto f, class Inputs>
  auto stream(Inputs&& inputs, const StreamOptions& options, Order order) {
    using View = std::views::all_t<Inputs>;
    using Arguments = typename Checked<f>::Signature::Arguments;
    return Stream<typename Checked<f>::Signature::Result, View, Arguments>(
        *queue_, detail::Task<f>::id, std::views::all(std::forward<Inputs>(inputs)), options, order);
  }

  struct Rank;
  std::unique_ptr<Rank> rank_;
  detail::PoolQueue* queue_;
};

}  // namespace paceline
