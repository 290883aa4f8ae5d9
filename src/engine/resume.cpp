#include "engine/resume.hpp"

#include <algorithm>

namespace paceline {
namespace {

/// What a part of the items has.
struct Part {
  std::vector<std::uint8_t> finished;
  std::int64_t failed = 0;
  Digest digest;
};

enum class Found { nothing, failed, whole };

/// What a variable element refers to may be missing altogether.
Found find_parcel(const ResultFile& file, std::int64_t item, std::uint64_t digest, const IsSettled& is_settled) {
  if (digest == 0) return Found::nothing;
  try {
    const auto parcel = file.read_parcel(item);
    if (item_digest(item, parcel) != digest) return Found::nothing;
    return !is_settled || is_settled(parcel) ? Found::whole : Found::failed;
  } catch (const Error&) {
    return Found::nothing;
  }
}

void check_parcels(ResultFile& file, Slab slab, Part& mine, const IsSettled& is_settled) {
  const auto digests = file.finished_digests(slab);
  std::vector<Slab> nothing;
  for (auto item = slab.begin; item < slab.end; ++item) {
    const auto digest = digests[static_cast<std::size_t>(item - slab.begin)];
    const auto found = find_parcel(file, item, digest, is_settled);
    if (found == Found::whole) mine.digest.add(digest);
    if (found == Found::failed) ++mine.failed;
    if (found == Found::nothing) nothing.push_back({item, item + 1});
    mine.finished.push_back(found == Found::whole ? 1 : 0);
  }
  for (const auto& items : merged(nothing)) file.forget(items);
}

void check_slab(const ResultFile& file, Slab slab, const ResultShape& shape, std::vector<std::byte>& bytes,
                Part& mine) {
  const auto digests = file.finished_digests(slab);
  const bool is_any_there = std::any_of(digests.begin(), digests.end(), [](std::uint64_t d) { return d != 0; });
  if (is_any_there) {
    bytes.resize(static_cast<std::size_t>(slab.size() * shape.bytes_per_item()));
    file.read(slab, bytes);
  }
  for (auto item = slab.begin; item < slab.end; ++item) {
    const auto at = static_cast<std::size_t>(item - slab.begin);
    const auto each = static_cast<std::size_t>(shape.bytes_per_item());
    // A node that was lost may have taken data with it that was flagged as written.
    const bool is_there =
        digests[at] != 0 &&
        digests[at] == item_digest(item, std::span(bytes).subspan(at * each, shape.bytes_in({item, item + 1})));
    if (is_there) mine.digest.add(digests[at]);
    mine.finished.push_back(is_there ? 1 : 0);
  }
}

}  // namespace

Resumed read_resumed(const Comm& world, ResultFile* file, const ResultShape& shape, std::int64_t memory_limit,
                     const IsSettled& is_settled) {
  // Readers are the ranks with a file, which is all of them or rank 0 alone.
  const int readers = world.reduce_all(file != nullptr ? world.rank() + 1 : 0, MPI_MAX);
  Part mine;
  together(world, [&] {
    if (file == nullptr) return;
    const auto share = even_part({0, shape.items()}, world.rank(), readers);
    const auto step = std::clamp(memory_limit / 4 / shape.bytes_per_item(), std::int64_t{1}, std::int64_t{1} << 20);
    std::vector<std::byte> bytes;
    for (auto begin = share.begin; begin < share.end; begin += step) {
      const Slab slab{begin, std::min(begin + step, share.end)};
      if (shape.is_variable()) {
        check_parcels(*file, slab, mine, is_settled);
      } else {
        check_slab(*file, slab, shape, bytes, mine);
      }
    }
  });
  Resumed resumed;
  for (const auto& part : world.gather_all(mine.finished)) {
    resumed.finished.insert(resumed.finished.end(), part.begin(), part.end());
  }
  resumed.items = std::count(resumed.finished.begin(), resumed.finished.end(), std::uint8_t{1});
  resumed.failed = world.reduce_all(mine.failed, MPI_SUM);
  resumed.digest.add(world.reduce_all(mine.digest.sum(), MPI_SUM));
  return resumed;
}

}  // namespace paceline
