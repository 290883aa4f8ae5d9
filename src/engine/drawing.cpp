#include "engine/drawing.hpp"

#include <optional>
#include <vector>

#include "engine/messages.hpp"
#include "storage/result_file.hpp"

namespace paceline {
namespace {

constexpr int sizes_tag = 30;
constexpr int drawn_tag = 31;

std::span<std::byte> memory_of(std::vector<std::byte>& bytes) { return bytes; }

/// To rank 0 of `team`, in the order of ranks.
std::vector<std::vector<std::byte>> gathered(const Comm& team, std::vector<std::byte> mine) {
  Messages messages(team, Messages::largest_message);
  std::uint64_t size = mine.size();
  const auto bytes_of = [](std::uint64_t& number) { return std::as_writable_bytes(std::span(&number, 1)); };
  if (team.rank() != 0) {
    messages.send({bytes_of(size)}, 0, sizes_tag);
    messages.send({memory_of(mine)}, 0, drawn_tag);
    messages.wait();
    return {};
  }
  std::vector<std::vector<std::byte>> all{std::move(mine)};
  for (int rank = 1; rank < team.size(); ++rank) {
    messages.receive({bytes_of(size)}, rank, sizes_tag);
    messages.wait();
    messages.receive({memory_of(all.emplace_back(size))}, rank, drawn_tag);
    messages.wait();
  }
  return all;
}

}  // namespace

void draw_together(const Comm& world, const Comm& node, const Workload& workload, const DrawnFiles& files,
                   const std::filesystem::path& from, std::int64_t memory_limit) {
  const bool is_first = world.rank() == 0;
  const bool is_near = node.reduce_all(is_first ? 1 : 0, MPI_MAX) == 1;
  std::optional<ResultFile> file;
  collective(world, [&] {
    if (!is_near) return;
    try {
      file.emplace(from, std::nullopt, workload.shape(), ResultFile::Access::read);
    } catch (const Error&) {
      if (is_first) throw;
    }
  });
  // In the order of the world, so that rank 0 is the first.
  const auto team = world.split(file ? std::optional(0) : std::nullopt);
  const auto limit = team ? memory_limit / team->size() : memory_limit;
  const ReadItems read = [&](Slab items, std::span<std::byte> bytes) { file->read(items, bytes); };
  const auto all = team ? Slab{0, files.strips(limit)} : Slab{};
  const auto mine = team ? even_part(all, team->rank(), team->size()) : all;
  std::vector<std::uint64_t> seen;
  collective(world, [&] {
    if (team) seen = files.survey(mine, read, limit);
  });
  if (team) seen = team->reduce_all(seen, MPI_SUM);
  std::vector<std::byte> drawn;
  collective(world, [&] {
    if (team) drawn = files.draw(mine, seen, read, limit);
  });
  std::vector<std::vector<std::byte>> everything;
  if (team) everything = gathered(*team, std::move(drawn));
  collective(world, [&] {
    if (is_first) files.assemble(everything, limit);
  });
}

}  // namespace paceline
