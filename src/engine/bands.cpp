#include "engine/bands.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <paceline/comm.hpp>

namespace paceline {

Bands::Bands(const Plan& plan, const ResultShape& shape, int rank, int threads)
    : plan_(plan), shape_(shape), rank_(rank), threads_(static_cast<std::size_t>(threads)) {
  // A slot is first touched, page by page, by the threads that compute into it: a rank holds what it computes, not
  // what the band might have been.
  std::vector<std::size_t> needed(slots_.size(), 0);
  for (std::int64_t band = 0; band < plan.bands(); ++band) {
    auto& most = needed[static_cast<std::size_t>(band) % needed.size()];
    most = std::max(most, shape.bytes_in(plan.window(band, rank)));
  }
  for (std::size_t k = 0; k < slots_.size() && static_cast<std::int64_t>(k) < plan.bands(); ++k) {
    slots_[k].bytes = PageBuffer(needed[k]);
    slots_[k].marks.resize(static_cast<std::size_t>(plan.band_items()));
  }
}

void Bands::first_touch() {
  const auto slots = std::min(plan_.bands(), static_cast<std::int64_t>(slots_.size()));
  for (const auto& slot : slots_) slot.bytes.prefer_huge_pages();
#pragma omp parallel for schedule(static, 1)
  for (std::size_t thread = 0; thread < threads_.size(); ++thread) {
    for (std::int64_t band = 0; band < slots; ++band) {
      touch(place(band, plan_.thread_part(band, rank_, static_cast<int>(thread))));
    }
  }
}

bool Bands::enter(int thread, std::int64_t band, const std::function<bool()>& stopping) {
  auto& mine = threads_[static_cast<std::size_t>(thread)].band;
  if (mine.load(std::memory_order_relaxed) != band || last_entered_.load(std::memory_order_relaxed) < band) {
    // The last band first: whoever sees that a thread has passed a band also sees where it went.
    for (auto last = last_entered_.load(); last < band && !last_entered_.compare_exchange_weak(last, band);) {
    }
    mine.store(band);
  }
  Backoff backoff;
  while (band >= released_.load() + Plan::bands_in_flight()) {
    if (stopping()) return false;
    backoff.wait();
  }
  return !stopping();
}

std::span<std::byte> Bands::place(std::int64_t band, Slab items) {
  const auto window = plan_.window(band, rank_);
  return slot(band).bytes.bytes().subspan(shape_.bytes_in({window.begin, items.begin}), shape_.bytes_in(items));
}

void Bands::finished(std::int64_t band, Slab items, std::span<const ItemMark> marks, Pieces variable) {
  auto& here = slot(band);
  const auto first = items.begin - plan_.window(band, rank_).begin;
  std::copy(marks.begin(), marks.end(), here.marks.begin() + first);
  const std::lock_guard lock(here.mutex);
  here.runs.push_back(items);
  if (!variable.empty()) here.variable.emplace_back(items.begin, std::move(variable));
}

void Bands::leave(int thread) {
  threads_[static_cast<std::size_t>(thread)].band.store(std::numeric_limits<std::int64_t>::max());
}

bool Bands::passed(std::int64_t band) const {
  return std::all_of(threads_.begin(), threads_.end(), [&](const Place& place) { return place.band.load() > band; });
}

bool Bands::has_finished(std::int64_t band) {
  auto& here = slot(band);
  const std::lock_guard lock(here.mutex);
  return !here.runs.empty();
}

Bands::View Bands::take(std::int64_t band) {
  auto& here = slot(band);
  const auto window = plan_.window(band, rank_);
  View view{window, {}, here.bytes.bytes().first(shape_.bytes_in(window)), here.marks, {}};
  {
    const std::lock_guard lock(here.mutex);
    view.runs.swap(here.runs);
    view.variable.swap(here.variable);
  }
  view.runs = merged(std::move(view.runs));
  std::sort(view.variable.begin(), view.variable.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return view;
}

void Bands::release(std::int64_t band) { released_.store(band + 1); }

}  // namespace paceline
