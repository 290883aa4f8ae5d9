// The tasks of `paceline tasks` by the library's pool, for program/tasks_test.py: what the program computes by its
// engine, users compute by this. Run: pool_tasks WORK COUNT map|submit|imap [THREADS]; a result a line, in order.
#include <fmt/format.h>

#include <cstring>
#include <string>

#include <paceline/pool.hpp>

#include "workloads/tasks/work.hpp"

namespace {

using namespace paceline;

/// The bits of the result.
std::int64_t task(const std::string& work, std::int64_t number) {
  std::int64_t result = 0;
  tasks::perform(tasks::parse_work(work), number, reinterpret_cast<std::byte*>(&result));
  return result;
}

std::vector<std::int64_t> results_of(Pool& pool, const std::string& work, std::int64_t count, const std::string& call) {
  std::vector<std::pair<std::string, std::int64_t>> inputs;
  for (std::int64_t number = 0; number < count; ++number) inputs.emplace_back(work, number);
  std::vector<std::int64_t> results;
  if (call == "map") results = pool.starmap<task>(inputs);
  if (call == "imap") {
    for (const auto result : pool.imap<task>(inputs)) results.push_back(result);
  }
  if (call == "submit") {
    std::vector<Future<std::int64_t>> futures;
    for (const auto& [text, number] : inputs) futures.push_back(pool.submit<task>(text, number));
    for (auto& future : futures) results.push_back(future.get());
  }
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  const MpiGuard mpi(argc, argv);
  if (argc < 4) return 2;
  const int threads = argc > 4 ? std::stoi(argv[4]) : 1;
  int code = 0;
  Pool pool(Comm::world(), {.threads = threads});
  if (pool.is_driver()) {
    try {
      for (const auto result : results_of(pool, argv[1], std::stoll(argv[2]), argv[3])) fmt::print("{}\n", result);
    } catch (const std::exception& error) {
      fmt::print(stderr, "{}\n", error.what());
      code = 1;
    }
  }
  return code;
}
