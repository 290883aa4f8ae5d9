// Computing, gathering and writing at once, as a run does it: every item in the file, whatever the layout, also when
// stopped amid and gone on with.
#include "engine/writer.hpp"

#include <thread>

#include <gtest/gtest.h>

#include <support.hpp>

#include "engine/compute.hpp"
#include "engine/resume.hpp"
#include "storage/result_file.hpp"

namespace paceline::writer_test {
namespace {

constexpr std::int64_t items = 700, width = 21;

struct Case {
  Schedule schedule = Schedule::dynamic;
  Gather gather = Gather::parallel;
  int threads = 2;
  int ranks_per_node = 8;
  std::int64_t band_items = 20;
  bool is_direct = false;        ///< items are so large that who computes them writes them
  std::int64_t stop_after = -1;  ///< items on one node
  std::int64_t fails_at = -1;
  double save_every_s = 30;
};

struct Outcome {
  ComputeResult computed;
  WriterResult written;
  std::int64_t resumed_items = 0;
  std::uint64_t digest = 0;  ///< of all items, over all ranks
};

class WriterTest : public testing::Test {
 protected:
  void create() {
    if (world.rank() == 0) ResultFile::create(path, shape);
    world.barrier();
  }

  Plan plan_of(const Case& c) const {
    PlanRequest request;
    request.items = items;
    request.bytes_per_item = c.is_direct ? 1 << 20 : width + 8;
    request.ranks = world.size();
    request.threads = c.threads;
    request.schedule = c.schedule;
    request.gather = c.gather;
    request.chunk = 2;
    request.memory_limit = (3 + world.size()) * request.bytes_per_item * c.band_items;
    for (const auto item : sample_items(items, world.size())) request.costs.push_back(static_cast<double>(item));
    return Plan(request);
  }

  /// Goes on with what the file holds. Collective.
  Outcome run(const Case& c) {
    const auto plan = plan_of(c);
    EXPECT_GT(plan.bands(), c.band_items > 100 ? 0 : 3);
    const NodeState node_state(*world.split(world.rank() / c.ranks_per_node));
    std::optional<ResultFile> file;
    if (c.gather == Gather::parallel) {
      file.emplace(path, world.duplicate(), shape, ResultFile::Access::write);
    } else if (world.rank() == 0) {
      file.emplace(path, std::nullopt, shape, ResultFile::Access::write);
    }
    Outcome outcome;
    const auto resumed = read_resumed(world, file ? &*file : nullptr, shape, 1 << 20);
    outcome.resumed_items = resumed.items;
    const auto comm = world.duplicate();
    const auto dispenser = make_dispenser(plan, comm, node_state);
    Bands bands(plan, shape, world.rank(), c.threads);
    Gatherer gatherer(plan, shape, comm, 100);
    test::Numbers workload(items, width);
    workload.fails_at = c.fails_at;
    Inputs inputs(plan, nullptr, world, node_state.node());
    WriterContext context{plan, shape, comm, inputs, bands, node_state, *dispenser};
    context.gatherer = &gatherer;
    context.file = file ? &*file : nullptr;
    context.variable_end = resumed.variable_end;
    context.save_every_s = c.save_every_s;
    context.meanwhile = [&] {
      if (c.stop_after >= 0 && node_state.shared().items_done >= c.stop_after) node_state.stop();
    };
    std::thread writer([&] { outcome.written = write_bands(context); });
    outcome.computed = compute({plan, workload, inputs, *dispenser, bands, node_state, resumed.finished, c.threads});
    writer.join();
    if (file) file->close();
    world.barrier();
    outcome.digest = world.reduce_all(outcome.computed.digest.sum(), MPI_SUM) + resumed.digest.sum();
    return outcome;
  }

  std::int64_t computed_items(const Outcome& outcome) const {
    return world.reduce_all(outcome.computed.items, MPI_SUM);
  }

  /// Items in the file whose bytes and digests are right; wrong ones fail the test.
  std::int64_t items_in_file() {
    std::int64_t count = 0;
    if (world.rank() == 0) {
      const ResultFile file(path, std::nullopt, shape, ResultFile::Access::read);
      std::vector<std::byte> bytes(width);
      for (std::int64_t item = 0; item < items; ++item) {
        const auto digest = file.marks({item, item + 1}).front().digest;
        if (digest == 0) continue;
        file.read({item, item + 1}, bytes);
        EXPECT_EQ(bytes, test::item_bytes(item, width)) << "item " << item;
        EXPECT_EQ(digest, item_digest(item, bytes)) << "item " << item;
        ++count;
      }
    }
    return world.reduce_all(count, MPI_MAX);
  }

  static std::uint64_t whole_digest() {
    Digest digest;
    for (std::int64_t item = 0; item < items; ++item) digest.add(item_digest(item, test::item_bytes(item, width)));
    return digest.sum();
  }

  Comm world = Comm::world().duplicate();
  test::SharedFolder folder{world};
  std::filesystem::path path = folder / "numbers.h5.part";
  ResultShape shape = test::numbers_shape(items, width);
};

std::vector<Case> all_ways() {
  std::vector<Case> cases;
  for (const auto gather : {Gather::parallel, Gather::root}) {
    for (const auto schedule : {Schedule::block, Schedule::cyclic, Schedule::dynamic, Schedule::weighted}) {
      cases.push_back({schedule, gather});
    }
    // Several nodes.
    cases.push_back({Schedule::dynamic, gather, 2, 1});
    cases.push_back({Schedule::dynamic, gather, 1, 2});
    // Bands that are larger than what a rank may hold of them.
    cases.push_back({Schedule::dynamic, gather, 2, 1, 4, true});
    cases.push_back({Schedule::cyclic, gather, 2, 8, 4, true});
  }
  return cases;
}

std::string describe(const Case& c) {
  return to_string(c.schedule) + " " + to_string(c.gather) + " ranks per node " + std::to_string(c.ranks_per_node);
}

TEST_F(WriterTest, WritesEveryItemOnce) {
  for (const auto& c : all_ways()) {
    SCOPED_TRACE(describe(c));
    create();
    const auto outcome = run(c);
    EXPECT_FALSE(outcome.computed.error);
    EXPECT_FALSE(outcome.written.error);
    EXPECT_EQ(computed_items(outcome), items);
    EXPECT_EQ(outcome.digest, whole_digest());
    EXPECT_EQ(items_in_file(), items);
  }
}

TEST_F(WriterTest, StopsWithEveryFinishedItemInTheFileAndGoesOn) {
  for (auto c : all_ways()) {
    SCOPED_TRACE(describe(c));
    create();
    c.stop_after = 60;
    const auto stopped = run(c);
    EXPECT_FALSE(stopped.written.error);
    const auto finished = computed_items(stopped);
    EXPECT_GE(finished, 60);
    EXPECT_EQ(items_in_file(), finished) << "nothing that was computed is lost";
    // Another layout may go on.
    c.schedule = c.schedule == Schedule::block ? Schedule::dynamic : Schedule::cyclic;
    c.threads = 1;
    c.stop_after = -1;
    const auto resumed = run(c);
    EXPECT_EQ(resumed.resumed_items, finished);
    EXPECT_EQ(computed_items(resumed), items - finished);
    EXPECT_EQ(resumed.digest, whole_digest());
    EXPECT_EQ(items_in_file(), items);
  }
}

TEST_F(WriterTest, EndsWhenOneRanksThreadFails) {
  for (auto c : all_ways()) {
    SCOPED_TRACE(describe(c));
    create();
    c.fails_at = 400;
    const auto outcome = run(c);
    EXPECT_EQ(world.reduce_all(outcome.computed.error ? 1 : 0, MPI_SUM), 1);
    const auto saved = items_in_file();
    EXPECT_EQ(saved, computed_items(outcome)) << "what the failing thread had finished is written, and counted";
    EXPECT_LT(saved, items);
  }
}

// Saved again and again, in the middle of bands: what is there already is not written twice, nor forgotten.
TEST_F(WriterTest, SavesByTimeWhatIsFinished) {
  for (auto c : all_ways()) {
    SCOPED_TRACE(describe(c));
    create();
    c.save_every_s = 1e-6;
    c.band_items = 200;
    const auto outcome = run(c);
    EXPECT_FALSE(outcome.written.error);
    EXPECT_EQ(computed_items(outcome), items);
    EXPECT_EQ(outcome.digest, whole_digest());
    EXPECT_EQ(items_in_file(), items);
    create();
    c.stop_after = 60;
    const auto stopped = run(c);
    EXPECT_EQ(items_in_file(), computed_items(stopped));
  }
}

TEST_F(WriterTest, NeedsNoFile) {
  const Case c;
  const auto plan = plan_of(c);
  const NodeState node_state(world.split_node());
  const auto comm = world.duplicate();
  const auto dispenser = make_dispenser(plan, comm, node_state);
  Bands bands(plan, shape, world.rank(), c.threads);
  const test::Numbers workload(items, width);
  Inputs inputs(plan, nullptr, world, node_state.node());
  const WriterContext context{plan, shape, comm, inputs, bands, node_state, *dispenser};
  std::thread writer([&] { write_bands(context); });
  const auto computed = compute({plan, workload, inputs, *dispenser, bands, node_state, {}, c.threads});
  writer.join();
  EXPECT_EQ(world.reduce_all(computed.digest.sum(), MPI_SUM), whole_digest());
}

}  // namespace
}  // namespace paceline::writer_test
