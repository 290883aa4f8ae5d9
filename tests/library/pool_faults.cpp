// A program with a pool for program/pool_test.py: what a user sees when a rank dies, when one leaves by an exception,
// and when results are larger than MPI's counts.
#include <fmt/format.h>
#include <sys/types.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <stdexcept>
#include <thread>

#include <paceline/pool.hpp>

namespace {

using namespace paceline;
using namespace std::chrono_literals;

int this_rank = 0;

/// The process of the given rank dies in its first task.
int dies_on(int rank) {
  if (this_rank == rank) kill(getpid(), SIGKILL);
  std::this_thread::sleep_for(5ms);
  return this_rank;
}

/// The whole process of rank 1 stands still, its signs of life too.
int freezes(int task) {
  if (this_rank == 1) kill(getpid(), SIGSTOP);
  std::this_thread::sleep_for(5ms);
  return task;
}

/// Letters whose places tell them apart; none on rank 0.
std::string letters(std::int64_t bytes) {
  std::string text(this_rank == 0 ? 0 : static_cast<std::size_t>(bytes), 'a');
  for (std::size_t i = 0; i < text.size(); i += 4096) text[i] = static_cast<char>('a' + i / 4096 % 23);
  return text;
}

/// How many bytes came, and whether they are as they were sent.
void tell_large(Pool& pool, std::int64_t bytes) {
  const auto texts = pool.on_each_rank<letters>(bytes);
  for (std::size_t rank = 1; rank < texts.size(); ++rank) {
    const auto& text = texts[rank];
    bool is_same = true;
    for (std::size_t i = 0; i < text.size(); i += 4096) {
      is_same = is_same && text[i] == static_cast<char>('a' + i / 4096 % 23) && text[i + 1] == 'a';
    }
    fmt::print("{} bytes from rank {}: {}\n", text.size(), rank, is_same && text.back() == 'a' ? "right" : "wrong");
  }
}

/// Prints the first loss that comes out of a call of the pool, and how many calls brought one.
class Losses {
 public:
  template <class Call>
  void count(const Call& call) {
    ++calls_;
    try {
      call();
    } catch (const TaskError& error) {
      if (lost_++ == 0) fmt::print("{}\n", error.what());
    }
  }
  void tell() const {
    fmt::print("{} tasks, {} lost: {}\n", calls_, lost_, lost_ > 0 ? "some" : "none");
    std::fflush(stdout);
  }

 private:
  int calls_ = 0, lost_ = 0;
};

template <auto f, class Results>
void count_each(Losses& losses, Results results) {
  for (auto result = results.begin(); result != results.end(); ++result) losses.count([&] { (void)*result; });
}

template <auto f>
void tell_each(Pool& pool, const std::vector<int>& inputs, const std::string& call = "imap_unordered") {
  Losses losses;
  if (call == "imap") count_each<f>(losses, pool.imap<f>(inputs));
  if (call == "imap_unordered") count_each<f>(losses, pool.imap_unordered<f>(inputs));
  if (call == "map") losses.count([&] { pool.map<f>(inputs); });
  if (call == "starmap") {
    std::vector<std::tuple<int>> tuples(inputs.begin(), inputs.end());
    losses.count([&] { pool.starmap<f>(tuples); });
  }
  if (call == "map_async") {
    auto all = pool.map_async<f>(inputs);
    while (!all.wait_for(100ms)) {
    }
    losses.count([&] { all.get(); });
  }
  if (call == "submit" || call == "then") {
    std::vector<Future<int>> futures;
    for (const int input : inputs) {
      auto future = pool.submit<f>(input);
      futures.push_back(call == "submit" ? std::move(future)
                                         : std::move(future).then([](Future<int> done) { return done.get(); }));
    }
    for (auto& future : futures) losses.count([&] { future.get(); });
  }
  losses.tell();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  const MpiGuard mpi(argc, argv);
  const auto world = Comm::world();
  this_rank = world.rank();
  try {
    Pool pool(world, {.threads = 1, .silence_s = 2, .task_s = what == "large" ? 600.0 : 20.0});
    if (what == "leave" && this_rank == 1) throw std::runtime_error("rank 1 has enough");
    if (!pool.is_driver()) return 0;
    const std::vector<int> inputs(200, 1);
    if (what == "die") tell_each<dies_on>(pool, inputs, argc > 2 ? argv[2] : "imap_unordered");
    if (what == "large") tell_large(pool, std::stoll(argv[2]));
    if (what == "freeze") tell_each<freezes>(pool, inputs);
    if (what == "driver") kill(getpid(), SIGKILL);
    if (what == "leave") tell_each<dies_on>(pool, std::vector<int>(200, -1));
    // The pool goes on with those that are left.
    fmt::print("then {}\n", pool.map<dies_on>(std::vector<int>(10, -1)).size());
    std::fflush(stdout);
  } catch (const std::exception& error) {
    fmt::print(stderr, "rank {}: {}\n", this_rank, error.what());
    std::fflush(stderr);
    // Not at once: the others get their time to notice by themselves.
    if (what == "leave") std::this_thread::sleep_for(5s);
    world.abort();
  }
}
