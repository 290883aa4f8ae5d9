#include <paceline/comm.hpp>

#include <numeric>

#include <gtest/gtest.h>

#include <support.hpp>

#include <paceline/node_memory.hpp>

namespace paceline {
namespace {

const Comm& world() {
  static const auto comm = Comm::world();
  return comm;
}

TEST(Comm, CopiesAndDuplicatesHaveTheSameRanks) {
  const auto copy = world();
  EXPECT_EQ(copy.handle(), world().handle());
  const auto other = world().duplicate();
  EXPECT_NE(other.handle(), world().handle());
  EXPECT_EQ(other.rank(), world().rank());
  EXPECT_EQ(other.size(), world().size());
  const auto again = other.duplicate();
  again.barrier();
}

TEST(Comm, SplitsByColour) {
  const auto rank = world().rank();
  const auto part = world().split(rank % 2);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->rank(), rank / 2);
  EXPECT_EQ(part->size(), (world().size() + 1 - rank % 2) / 2);
  const auto last = world().split(rank == world().size() - 1 ? std::optional(5) : std::nullopt);
  EXPECT_EQ(last.has_value(), rank == world().size() - 1);
  if (last) {
    EXPECT_EQ(last->size(), 1);
  }
}

TEST(Comm, RanksOfANodeAreTogether) {
  // The tests run on one machine.
  EXPECT_EQ(world().split_node().size(), world().size());
  EXPECT_EQ(world().split_node().rank(), world().rank());
}

TEST(Comm, ReducesElementWise) {
  const auto size = world().size();
  const std::vector<std::int64_t> mine = {world().rank(), std::int64_t{1} << 40, -world().rank()};
  EXPECT_EQ(world().reduce_all(mine, MPI_SUM),
            (std::vector<std::int64_t>{size * (size - 1) / 2, (std::int64_t{1} << 40) * size, -size * (size - 1) / 2}));
  EXPECT_EQ(world().reduce_all(world().rank(), MPI_MAX), size - 1);
  EXPECT_EQ(world().reduce_all(0.5, MPI_SUM), 0.5 * size);
  EXPECT_EQ(world().reduce_all(~std::uint64_t{0}, MPI_MIN), ~std::uint64_t{0});
  // Libraries were seen that take the highest bit for a sign.
  const auto large = std::uint64_t{1} << 63;
  const auto from_first = world().rank() == 0 ? large + 5 : std::uint64_t{7};
  EXPECT_EQ(world().reduce_all(from_first, MPI_MAX), large + 5);
  EXPECT_EQ(world().reduce_all(from_first, MPI_MIN), size == 1 ? large + 5 : 7);
}

TEST(Comm, GathersUnequalAmounts) {
  // Rank 0 brings nothing, the others ever more.
  std::vector<double> mine(static_cast<std::size_t>(world().rank() * world().rank()), world().rank() + 0.5);
  const auto all = world().gather_all(mine);
  ASSERT_EQ(all.size(), static_cast<std::size_t>(world().size()));
  for (std::size_t r = 0; r < all.size(); ++r) {
    EXPECT_EQ(all[r], std::vector<double>(r * r, static_cast<double>(r) + 0.5));
  }
  for (const auto& nothing : world().gather_all(std::vector<int>{})) {
    EXPECT_TRUE(nothing.empty());
  }
}

TEST(Comm, GathersTexts) {
  const auto all = world().gather_all_text(std::string(static_cast<std::size_t>(world().rank()), 'x'));
  for (std::size_t r = 0; r < all.size(); ++r) {
    EXPECT_EQ(all[r], std::string(r, 'x'));
  }
}

TEST(CheckMpi, NamesTheCallAndTheReason) {
  check_mpi(MPI_SUCCESS, "MPI_Send");
  const auto error = test::error_of([] {
    const int nobody = world().size() + 7;
    check_mpi(MPI_Send(nullptr, 0, MPI_BYTE, nobody, 0, world().handle()), "MPI_Send");
  });
  ASSERT_TRUE(error) << "communicators return errors instead of ending the job";
  EXPECT_EQ(error->kind(), ErrorKind::failure);
  EXPECT_TRUE(test::says(*error, "MPI_Send")) << error->what();
  EXPECT_TRUE(test::says(*error, "rank")) << error->what();
}

TEST(CheckMpi, ReachesErrorsOfDuplicatesToo) {
  const auto other = world().duplicate();
  EXPECT_TRUE(test::error_of([&] { check_mpi(MPI_Send(nullptr, 0, MPI_BYTE, -77, 0, other.handle()), "MPI_Send"); }));
}

TEST(Agree, PassesWhenNobodyFails) { EXPECT_NO_THROW(agree(world(), std::nullopt)); }

TEST(Agree, TellsAnyRanksErrorToAll) {
  for (int teller = 0; teller < world().size(); ++teller) {
    std::optional<Error> mine;
    if (world().rank() == teller) mine = Error(ErrorKind::output, "no space on rank " + std::to_string(teller));
    try {
      agree(world(), mine);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const AgreedError& error) {
      EXPECT_EQ(error.kind(), ErrorKind::output);
      EXPECT_EQ(error.what(), "no space on rank " + std::to_string(teller));
    }
  }
}

TEST(Agree, TellsTheLowestRanksErrorWithItsCode) {
  const int first = world().size() > 1 ? 1 : 0;
  std::optional<Error> mine;
  // The last rank's code is the largest, and must not be taken for that of the first.
  if (world().rank() == first) mine = Error(ErrorKind::usage, "first");
  if (world().rank() > first) mine = Error(ErrorKind::interrupted, "later");
  const auto error = test::error_of([&] { agree(world(), mine); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->kind(), ErrorKind::usage);
  EXPECT_STREQ(error->what(), "first");
}

TEST(Together, TurnsOneRanksErrorIntoEveryones) {
  const int last = world().size() - 1;
  const auto attempt = [&](const std::function<void()>& failing) {
    return test::error_of([&] {
      collective(world(), [&] {
        if (world().rank() == last) failing();
      });
    });
  };
  const auto error = attempt([] { throw Error(ErrorKind::input, "damaged"); });
  ASSERT_TRUE(error);
  EXPECT_STREQ(error->what(), "damaged");
  const auto memory = attempt([] { throw std::bad_alloc(); });
  ASSERT_TRUE(memory);
  EXPECT_EQ(memory->kind(), ErrorKind::failure);
  EXPECT_TRUE(test::says(*memory, "rank " + std::to_string(last) + " is out of memory")) << memory->what();
  EXPECT_FALSE(attempt([] {}));
  // All are still in step.
  EXPECT_EQ(world().reduce_all(1, MPI_SUM), world().size());
}

TEST(Together, LetsAgreedErrorsPassWithoutAskingAgain) {
  EXPECT_THROW(collective(world(), [] { agree(world(), Error(ErrorKind::check, "differs")); }), AgreedError);
  EXPECT_EQ(world().reduce_all(1, MPI_SUM), world().size());
}

TEST(WaitQuietly, CallsMeanwhileUntilTheMessageIsThere) {
  const int to = (world().rank() + 1) % world().size();
  const int from = (world().rank() + world().size() - 1) % world().size();
  int calls = 0, received = -1;
  MPI_Request receive = MPI_REQUEST_NULL, send = MPI_REQUEST_NULL;
  check_mpi(MPI_Irecv(&received, 1, MPI_INT, from, 3, world().handle(), &receive), "MPI_Irecv");
  const int mine = world().rank();
  // The message leaves only once the receiver has waited for it.
  wait_quietly(receive, [&] {
    if (++calls == 100) check_mpi(MPI_Isend(&mine, 1, MPI_INT, to, 3, world().handle(), &send), "MPI_Isend");
    return CoreUse::own;
  });
  EXPECT_EQ(received, from);
  for (; calls < 100; ++calls) {
    if (calls == 99) check_mpi(MPI_Isend(&mine, 1, MPI_INT, to, 3, world().handle(), &send), "MPI_Isend");
  }
  wait_quietly(send);
  wait_quietly(send);  // a request that is done is no trap
}

TEST(NodeMemory, IsZeroedAndSeenByAll) {
  const auto node = world().split_node();
  const NodeMemory memory(node, 1000);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(memory.data()[i], std::byte{0});
  }
  node.barrier();
  memory.data()[node.rank()] = static_cast<std::byte>(node.rank() + 1);
  node.barrier();
  for (int r = 0; r < node.size(); ++r) {
    EXPECT_EQ(memory.data()[r], static_cast<std::byte>(r + 1));
  }
  node.barrier();
}

}  // namespace
}  // namespace paceline
