// Question: what does an operation on shared state cost from another node, beside the round trips that it needs?
//   fetch_add                one round trip
//   lock, store, unlock      three
// Limit: as many round trips of 8-byte MPI_Send and MPI_Recv, whose other end waits in MPI_Recv and does nothing else.
// The last rank asks, rank 0 has the state. Batches take turns; one line each with the median, the least and the most
// microseconds an operation, and how often the limit the median is.
// Run: python3 bench/remote_run.py, which makes three nodes of network namespaces; or over real nodes by mpirun.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <paceline/sync.hpp>

#include "host/clock.hpp"

namespace {

using namespace paceline;

constexpr int batches = 60;
constexpr int operations = 50;

struct Figure {
  std::string name;
  int round_trips = 1;
  std::function<bool()> ask;     ///< on the last rank
  std::function<void()> answer;  ///< on rank 0
  std::vector<double> seconds = {};
};

void raw(const Comm& world, int other, bool begins) {
  std::int64_t item = 0;
  for (int i = 0; i < operations; ++i) {
    if (begins) MPI_Send(&item, 8, MPI_BYTE, other, 0, world.handle());
    MPI_Recv(&item, 8, MPI_BYTE, other, 0, world.handle(), MPI_STATUS_IGNORE);
    if (!begins) MPI_Send(&item, 8, MPI_BYTE, other, 0, world.handle());
  }
}

}  // namespace

int main(int argc, char** argv) {
  const MpiGuard mpi(argc, argv);
  const auto world = Comm::world();
  const int last = world.size() - 1;
  if (last == 0) {
    fmt::print("run it on two ranks or more\n");
    return 1;
  }
  // Each rank is taken for a node, so that ranks of one node ask by messages, too.
  const Domain domain(world, *world.split(world.rank()));
  Value<std::int64_t> counter(domain), guarded(domain);
  Mutex mutex(domain, "guard");
  const auto nothing = [] {};
  std::vector<Figure> figures;
  figures.push_back({"raw", 1,
                     [&] {
                       raw(world, 0, true);
                       return true;
                     },
                     [&] { raw(world, last, false); }});
  figures.push_back({"fetch_add", 1,
                     [&] {
                       auto before = counter.fetch_add(1);
                       for (int i = 1; i < operations; ++i) {
                         if (counter.fetch_add(1) != ++before) return false;
                       }
                       return true;
                     },
                     nothing});
  figures.push_back({"lock_store_unlock", 3,
                     [&] {
                       for (int i = 0; i < operations; ++i) {
                         mutex.lock();
                         guarded.store(i);
                         mutex.unlock();
                       }
                       return guarded.load() == operations - 1;
                     },
                     nothing});
  bool is_right = true;
  for (int batch = 0; batch < batches; ++batch) {
    for (auto& figure : figures) {
      world.barrier();
      const Stopwatch watch;
      if (world.rank() == last) is_right = figure.ask() && is_right;
      figure.seconds.push_back(watch.seconds());
      if (world.rank() == 0) figure.answer();
      MPI_Request all_done = MPI_REQUEST_NULL;
      MPI_Ibarrier(world.handle(), &all_done);
      wait_quietly(all_done);
    }
  }
  if (world.rank() != last) return 0;
  double raw_us = 0;
  for (auto& figure : figures) {
    std::sort(figure.seconds.begin(), figure.seconds.end());
    const auto us = [&](std::size_t place) { return figure.seconds[place] / operations * 1e6; };
    if (raw_us == 0) raw_us = us(batches / 2);
    fmt::print("{} {:.1f} {:.1f} {:.1f} {:.2f}\n", figure.name, us(batches / 2), us(0), us(batches - 1),
               us(batches / 2) / (raw_us * figure.round_trips));
  }
  return is_right ? 0 : 1;
}
