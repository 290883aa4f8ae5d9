// A pool: functions run as tasks by all threads of all ranks, with the results on rank 0.
//
//   int squared(int x) { return x * x; }
//   ...
//   Pool pool(Comm::world());                        // collective: every rank makes it
//   if (pool.is_driver()) {                          // rank 0 says what is to be done; the others just go on ...
//     auto squares = pool.map<squared>(inputs);
//   }                                                // ... to the end of the scope, where they work until rank 0 ends
//
// At the end of the scope, what is not begun is cancelled. pool.finish() waits until all that was submitted is done.
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
// rank is sent as much ahead as it will do in about five milliseconds, by the measured time of that function; what it
// has not begun is asked back when others are idle, so that nothing waits behind a long task. Tasks of map() travel in
// groups that shrink towards the end (guided self-scheduling, Polychronopoulos and Kuck 1987).
//
// Tasks don't submit tasks: that is an error on every rank. What follows from a result belongs into Future::then() or a
// coroutine, which run on compute threads of rank 0 and may submit and wait.
//
// What can go wrong is thrown by get(), map() or the stream as a TaskError (task_error.hpp):
//   - a task threw: what(), the rank, the task; the other tasks go on;
//   - a task did not return within task_s: its thread is given up for another one, the other tasks go on;
//   - a rank died or was silent for silence_s: the tasks that it had are lost, the other ranks go on. The death of a
//     rank of the same node is seen within 0.1 s. A rank that lives after all (its node could not be reached for a
//     while) gets no more tasks, ends the one that it is at, and leaves with the others at the end.
// Silence counts only while rank 0 itself is awake: a job that is suspended and resumed loses no rank.
// mpirun ends the whole job by itself when a process of it is killed, and the last error is never seen. With `mpirun
// --enable-recovery`, or a launcher that leaves the others alone, it is; MPI can't be finalised after it, so MpiGuard
// does not. Between nodes Open MPI may end a process whose peer is gone before the pool gets to say so. If rank 0 dies,
// or is silent for 15 times silence_s, the other ranks say so and end the job.
// Nothing is run twice: who submits knows whether a task may be.
//
// MPI. Messages go by a duplicate of the communicator. The pool's thread calls MPI as long as the pool lives, so a pool
// of several ranks needs MPI_THREAD_MULTIPLE, which MpiGuard asks for. With one rank the pool calls no MPI after its
// construction.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <paceline/as_completed.hpp>
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
  /// Called once on every rank, before its first task. If it throws on any, no rank gets the pool.
  std::function<void()> initialise = {};
};

class Pool {
 public:
  /// Collective over `comm`. Throws AgreedError when ranks run different programs, an option makes no sense, or MPI was
  /// started without MPI_THREAD_MULTIPLE.
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

  /// Waits until all that was submitted is done, what follows by then() too, and nothing of it is left. Failures are
  /// told by the futures.
  void finish() { queue_->finish(); }

  // Each call has two forms. f as a template argument is any function. f as an argument is a function object: a lambda
  // that captures numbers alone, or a struct with operator() and serialisable members, which travel with the tasks.

  /// Runs f(arguments...) somewhere. Arguments are converted to f's own parameter types where that is implicit and
  /// keeps the value. Never waits.
  template <auto f, class... Values>
  auto submit(Values&&... values) {
    return post_one<detail::Constant<f>>({}, -1, std::forward<Values>(values)...);
  }
  template <class F, class... Values>
  auto submit(const F& f, Values&&... values) {
    return post_one<Object<F>>(Object<F>::write(f), -1, std::forward<Values>(values)...);
  }

  /// f of every input, in the order of inputs. Waits until all are done, then throws the TaskError of the first that
  /// failed. `chunk`: tasks handed out at once; 0: chosen. The caller holds all arguments and results at once; for more
  /// than fits, imap().
  template <auto f, std::ranges::input_range Inputs>
  auto map(Inputs&& inputs, std::int64_t chunk = 0) {
    return all_of<detail::Constant<f>>(map_async<f>(std::forward<Inputs>(inputs), chunk));
  }
  template <class F, std::ranges::input_range Inputs>
  auto map(const F& f, Inputs&& inputs, std::int64_t chunk = 0) {
    return all_of<Object<F>>(map_async(f, std::forward<Inputs>(inputs), chunk));
  }
  template <auto f, std::ranges::input_range Inputs>
  auto map_async(Inputs&& inputs, std::int64_t chunk = 0) {
    return post_all<detail::Constant<f>>({}, std::forward<Inputs>(inputs), chunk);
  }
  template <class F, std::ranges::input_range Inputs>
  auto map_async(const F& f, Inputs&& inputs, std::int64_t chunk = 0) {
    return post_all<Object<F>>(Object<F>::write(f), std::forward<Inputs>(inputs), chunk);
  }

  /// The same for functions of several arguments: each input is a tuple or pair of them.
  template <auto f, std::ranges::input_range Inputs>
  auto starmap(Inputs&& inputs, std::int64_t chunk = 0) {
    return map<f>(std::forward<Inputs>(inputs), chunk);
  }
  template <class F, std::ranges::input_range Inputs>
  auto starmap(const F& f, Inputs&& inputs, std::int64_t chunk = 0) {
    return map(f, std::forward<Inputs>(inputs), chunk);
  }
  template <auto f, std::ranges::input_range Inputs>
  auto starmap_async(Inputs&& inputs, std::int64_t chunk = 0) {
    return map_async<f>(std::forward<Inputs>(inputs), chunk);
  }
  template <class F, std::ranges::input_range Inputs>
  auto starmap_async(const F& f, Inputs&& inputs, std::int64_t chunk = 0) {
    return map_async(f, std::forward<Inputs>(inputs), chunk);
  }

  /// f of every input as a stream to loop over, in the order of inputs (imap) or as results come (imap_unordered).
  /// Inputs are taken while the loop asks for results, never more than StreamOptions::window ahead of it, so that
  /// they may be endless. The stream must not outlive the pool; leaving the loop cancels what is not begun.
  template <auto f, std::ranges::input_range Inputs>
  auto imap(Inputs&& inputs, StreamOptions options = {}) {
    return stream<detail::Constant<f>>({}, std::forward<Inputs>(inputs), options, Order::of_inputs);
  }
  template <class F, std::ranges::input_range Inputs>
  auto imap(const F& f, Inputs&& inputs, StreamOptions options = {}) {
    return stream<Object<F>>(Object<F>::write(f), std::forward<Inputs>(inputs), options, Order::of_inputs);
  }
  template <auto f, std::ranges::input_range Inputs>
  auto imap_unordered(Inputs&& inputs, StreamOptions options = {}) {
    return stream<detail::Constant<f>>({}, std::forward<Inputs>(inputs), options, Order::as_they_come);
  }
  template <class F, std::ranges::input_range Inputs>
  auto imap_unordered(const F& f, Inputs&& inputs, StreamOptions options = {}) {
    return stream<Object<F>>(Object<F>::write(f), std::forward<Inputs>(inputs), options, Order::as_they_come);
  }

  /// f(arguments...) once on every rank, by one of its threads. Waits; the results by rank, or the TaskError of the
  /// first that failed. A rank that is lost fails.
  template <auto f, class... Values>
  auto on_each_rank(Values&&... values) {
    return post_each<detail::Constant<f>>({}, values...);
  }
  template <class F, class... Values>
  auto on_each_rank(const F& f, Values&&... values) {
    return post_each<Object<F>>(Object<F>::write(f), values...);
  }

 private:
  template <class F>
  using Object = detail::Object<std::decay_t<F>>;
  template <class Callable>
  using ResultOf = typename Callable::Signature::Result;
  template <class Callable>
  using ArgumentsOf = typename Callable::Signature::Arguments;

  template <class Callable, class... Values>
  auto post_one(Bytes held, int rank, Values&&... values) {
    using R = std::conditional_t<Callable::Signature::returns, ResultOf<Callable>, void>;
    auto result = std::make_shared<detail::OneResult<R>>();
    ByteWriter writer;
    detail::write_arguments(writer, detail::arguments_of<ArgumentsOf<Callable>>(std::forward<Values>(values)...));
    queue_->post_one(detail::Task<Callable>::id, std::move(held), writer.take(), result, rank);
    return Future<R>(std::move(result));
  }

  template <class Callable>
  static auto all_of(Future<std::vector<ResultOf<Callable>>> future) {
    auto results = future.get();
    if constexpr (Callable::Signature::returns) return results;
  }

  template <class Callable, class... Values>
  auto post_each(const Bytes& held, Values&... values) {
    using R = std::conditional_t<Callable::Signature::returns, ResultOf<Callable>, void>;
    std::vector<Future<R>> futures;
    for (int rank = 0; rank < queue_->ranks(); ++rank) futures.push_back(post_one<Callable>(held, rank, values...));
    wait_all(futures);
    if constexpr (Callable::Signature::returns) {
      std::vector<R> results;
      for (auto& future : futures) results.push_back(future.get());
      return results;
    } else {
      for (auto& future : futures) future.get();
    }
  }

  template <class Callable, class Inputs>
  auto post_all(Bytes held, Inputs&& inputs, std::int64_t chunk) {
    if constexpr (!std::ranges::forward_range<Inputs>) {
      // Groups shrink towards the end, so the end must be known.
      std::vector<std::ranges::range_value_t<Inputs>> kept;
      for (auto&& input : inputs) kept.emplace_back(std::forward<decltype(input)>(input));
      return post_all<Callable>(std::move(held), kept, chunk);
    } else {
      detail::check_not_negative("the chunk of a map", chunk);
      const auto tasks = static_cast<std::int64_t>(std::ranges::distance(inputs));
      auto results = std::make_shared<detail::AllResults<ResultOf<Callable>>>(tasks);
      detail::PoolQueue::Cut cut(*queue_, detail::Task<Callable>::id, std::move(held), results, tasks, chunk);
      for (auto&& input : inputs) {
        detail::write_arguments(
            cut.writer(), detail::arguments_of_input<ArgumentsOf<Callable>>(std::forward<decltype(input)>(input)));
        cut.next();
      }
      return Future<std::vector<ResultOf<Callable>>>(std::move(results));
    }
  }

  template <class Callable, class Inputs>
  auto stream(Bytes held, Inputs&& inputs, const StreamOptions& options, Order order) {
    using View = std::views::all_t<Inputs>;
    return Stream<ResultOf<Callable>, View, ArgumentsOf<Callable>>(*queue_, detail::Task<Callable>::id, std::move(held),
                                                                   std::views::all(std::forward<Inputs>(inputs)),
                                                                   options, order);
  }

  struct Rank;
  std::unique_ptr<Rank> rank_;
  detail::PoolQueue* queue_;
};

}  // namespace paceline
