#include "engine/supply.hpp"

#include <algorithm>
#include <utility>

namespace paceline {
namespace {

// For an answer, two writing threads and a waiting thread must look, each of them every 0.2 ms (Backoff).
constexpr double least_answer_s = 0.5e-3;
// A node fetches ahead at most this part of its even share of what is left. So the end stays even, although its chunks
// may take several times as long as those of others; and the more is left, the less often a node asks rank 0 (guided
// self-scheduling, Polychronopoulos and Kuck 1987).
constexpr std::int64_t ahead_share = 16;
// Chunks that a node may always fetch ahead for each worker, however long a chunk takes.
constexpr double harmless_ahead = 2;

}  // namespace

Supply::Supply(const Plan& plan, std::vector<int> takers)
    : plan_(plan), takers_(std::move(takers)), given_(takers_.size(), 0) {}

std::optional<Slab> Supply::next(int node, Wanted wanted) {
  const auto left = plan_.all_chunks() - next_;
  if (left <= 0) return Slab{};
  const auto ahead = wanted.ahead != 0 ? left / (ahead_share * std::ssize(takers_)) : 0;
  auto size = std::clamp(wanted.now + ahead, std::int64_t{1}, plan_.band_end_chunk(next_) - next_);
  if (plan_.limits_room()) {
    const auto band = plan_.band_of_chunk(next_);
    if (band != std::exchange(band_, band)) std::fill(given_.begin(), given_.end(), 0);
    const auto here = static_cast<std::size_t>(node);
    size = std::min(size, takers_[here] * plan_.room_chunks() - given_[here]);
    if (size <= 0) return std::nullopt;
    given_[here] += size;
  }
  next_ += size;
  return Slab{next_ - size, next_};
}

Demand::Demand(const Plan& plan, int nodes, std::int64_t workers)
    : all_(plan.all_chunks()), nodes_(nodes), workers_(std::max(workers, std::int64_t{1})), answer_s_(least_answer_s) {}

void Demand::answered(double now_s) { answer_s_ = std::max(least_answer_s, 0.5 * (answer_s_ + now_s - asked_at_s_)); }

std::optional<Wanted> Demand::at(double now_s, std::int64_t claimed, std::int64_t left, std::int64_t waiting,
                                 std::int64_t end) {
  const auto chunks_each = static_cast<double>(all_ - end) / static_cast<double>(nodes_ * workers_);
  const bool has_many = chunks_each >= harmless_ahead * ahead_share;
  if (!has_begun_) {
    has_begun_ = true;
    // The first chunk of each says nothing yet.
    before_ = recent_ = {now_s, workers_};
    asked_at_s_ = now_s;
    return Wanted{workers_, has_many ? 1 : 0};
  }
  // Workers that begin together are done together: less than all of their chunks would be a burst, or a lull.
  if (claimed - recent_.claimed >= workers_) before_ = std::exchange(recent_, {now_s, claimed});
  const auto seconds = std::max(now_s - before_.at_s, least_answer_s);
  const auto rate = static_cast<double>(std::max(claimed - before_.claimed, std::int64_t{0})) / seconds;
  const bool are_short = rate * answer_s_ * chunks_each > static_cast<double>(workers_);
  const bool goes_ahead = has_many || are_short;
  const auto lasting = goes_ahead ? rate * 2 * answer_s_ : 0.0;
  const bool is_needed = left == 0 && waiting > 0;
  if (!is_needed && static_cast<double>(left) >= lasting) return std::nullopt;
  asked_at_s_ = now_s;
  return Wanted{waiting, goes_ahead ? 1 : 0};
}

}  // namespace paceline
