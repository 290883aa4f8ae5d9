#include "engine/resume.hpp"

#include <algorithm>

namespace paceline {
namespace {

/// What a part of the items has.
struct Part {
  std::vector<std::uint8_t> finished;
  std::int64_t failed = 0;
  std::int64_t variable_end = 0;
  Digest digest;
};

/// A node that was lost may have taken data with it that was flagged as written.
bool is_whole(const ResultFile& file, const ResultShape& shape, std::int64_t item, const ItemMark& mark,
              std::span<const std::byte> bytes) {
  if (mark.digest == 0) return false;
  if (mark.begin < 0) return mark.digest == digest_of(shape, item, bytes);
  try {
    return mark.digest == digest_of(shape, item, bytes, {file.read_variable(mark.begin, mark.size)});
  } catch (const Error&) {
    return false;
  }
}

void check_slab(const ResultFile& file, Slab slab, const ResultShape& shape, const IsSettled& is_settled,
                std::vector<std::byte>& bytes, Part& mine) {
  const auto marks = file.marks(slab);
  const bool is_any_there = std::any_of(marks.begin(), marks.end(), [](const ItemMark& m) { return m.digest != 0; });
  if (is_any_there) {
    bytes.resize(shape.bytes_in(slab));
    file.read(slab, bytes);
  }
  std::size_t at = 0;
  for (auto item = slab.begin; item < slab.end; ++item) {
    const auto& mark = marks[static_cast<std::size_t>(item - slab.begin)];
    const auto here = shape.bytes_in({item, item + 1});
    const auto part = is_any_there ? std::span<const std::byte>(bytes).subspan(at, here) : std::span<const std::byte>();
    at += here;
    const bool is_there = is_any_there && is_whole(file, shape, item, mark, part);
    const bool stands = is_there && (!is_settled || is_settled(part));
    if (stands) {
      mine.digest.add(part_of_result(mark.digest));
      if (mark.begin >= 0) {
        mine.variable_end = std::max(mine.variable_end, mark.begin + mark.size);
      }
    }
    if (is_there && !stands) ++mine.failed;
    mine.finished.push_back(stands ? 1 : 0);
  }
}

}  // namespace

Resumed read_resumed(const Comm& world, const ResultFile* file, const ResultShape& shape, std::int64_t memory_limit,
                     const IsSettled& is_settled) {
  // Readers are the ranks with a file, which is all of them or rank 0 alone.
  const int readers = world.reduce_all(file != nullptr ? world.rank() + 1 : 0, MPI_MAX);
  Part mine;
  collective(world, [&] {
    if (file == nullptr) return;
    const auto share = even_part({0, shape.items()}, world.rank(), readers);
    const auto step =
        std::clamp(memory_limit / 4 / shape.most_bytes_per_item(), std::int64_t{1}, std::int64_t{1} << 20);
    std::vector<std::byte> bytes;
    for (auto begin = share.begin; begin < share.end; begin += step) {
      check_slab(*file, {begin, std::min(begin + step, share.end)}, shape, is_settled, bytes, mine);
    }
  });
  Resumed resumed;
  for (const auto& part : world.gather_all(mine.finished)) {
    resumed.finished.insert(resumed.finished.end(), part.begin(), part.end());
  }
  resumed.items = std::count(resumed.finished.begin(), resumed.finished.end(), std::uint8_t{1});
  resumed.failed = world.reduce_all(mine.failed, MPI_SUM);
  resumed.variable_end = world.reduce_all(mine.variable_end, MPI_MAX);
  resumed.digest.add(world.reduce_all(mine.digest.sum(), MPI_SUM));
  return resumed;
}

}  // namespace paceline
