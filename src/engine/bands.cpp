#include "engine/bands.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <paceline/comm.hpp>

namespace paceline {

Bands::Bands(const Plan& plan, const ResultShape& shape, int rank, int threads)
    : plan_(plan), shape_(shape), rank_(rank), threads_(static_cast<std::size_t>(threads)) {
  if (!keep()) return;
  // A slot is first touched, page by page, by the threads that compute into it.
  std::vector<std::size_t> needed(slots_.size(), 0);
  for (std::int64_t band = 0; band < plan.bands(); ++band) {
    auto& most = needed[static_cast<std::size_t>(band) % needed.size()];
    most = std::max(most, shape.bytes_in(plan.window(band, rank)));
  }
  if (plan.limits_room()) {
    const auto room = static_cast<std::size_t>(plan.room_items() * shape.most_bytes_per_item());
    for (auto& most : needed) most = std::min(most, room);
  }
  for (std::size_t k = 0; k < slots_.size() && static_cast<std::int64_t>(k) < plan.bands(); ++k) {
    slots_[k].bytes = PageBuffer(needed[k]);
  }
}

void Bands::first_touch() {
  if (!keep()) return;
  const auto slots = std::min(plan_.bands(), static_cast<std::int64_t>(slots_.size()));
  for (const auto& slot : slots_) slot.bytes.prefer_huge_pages();
#pragma omp parallel for schedule(static, 1)
  for (std::size_t thread = 0; thread < threads_.size(); ++thread) {
    for (std::int64_t band = 0; band < slots; ++band) {
      if (plan_.limits_room()) {
        const auto bytes = slot(band).bytes.bytes();
        const auto part = even_part({0, std::ssize(bytes)}, static_cast<std::int64_t>(thread), std::ssize(threads_));
        touch_in_huge_pages(bytes.subspan(static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.size())));
      } else {
        touch_in_huge_pages(usual_place(band, plan_.thread_part(band, rank_, static_cast<int>(thread))));
      }
    }
  }
}

bool Bands::try_enter(int thread, std::int64_t band) {
  auto& mine = threads_[static_cast<std::size_t>(thread)].band;
  if (mine.load(std::memory_order_relaxed) != band || last_entered_.load(std::memory_order_relaxed) < band) {
    // The last band first: whoever sees that a thread has passed a band also sees where it went.
    for (auto last = last_entered_.load(); last < band && !last_entered_.compare_exchange_weak(last, band);) {
    }
    mine.store(band);
  }
  return !plan_.goes_by_bands() || band < released_.load() + Plan::bands_in_flight();
}

bool Bands::enter(int thread, std::int64_t band, const std::function<bool()>& stopping) {
  for (Backoff backoff; !try_enter(thread, band); backoff.wait()) {
    if (stopping()) return false;
  }
  return !stopping();
}

std::span<std::byte> Bands::usual_place(std::int64_t band, Slab items) {
  const auto window = plan_.window(band, rank_);
  return slot(band).bytes.bytes().subspan(shape_.bytes_in({window.begin, items.begin}), shape_.bytes_in(items));
}

std::span<std::byte> Bands::place(std::int64_t band, Slab items) {
  if (have_places()) return usual_place(band, items);
  auto& here = slot(band);
  const auto size = shape_.bytes_in(items);
  return here.bytes.bytes().subspan(here.filled.fetch_add(size, std::memory_order_relaxed), size);
}

void Bands::finished(std::int64_t band, Slab items, std::span<const std::byte> place, std::span<const ItemMark> marks,
                     Pieces variable) {
  auto& here = slot(band);
  const std::lock_guard lock(here.mutex);
  here.runs.push_back({items, std::ssize(here.marks), place.data() - here.bytes.bytes().data()});
  here.marks.insert(here.marks.end(), marks.begin(), marks.end());
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

ItemMark& Bands::View::mark(std::int64_t item) {
  const auto behind = std::upper_bound(runs.begin(), runs.end(), item,
                                       [](std::int64_t wanted, const Run& run) { return wanted < run.items.begin; });
  const auto& run = *std::prev(behind);
  return marks[static_cast<std::size_t>(run.at + item - run.items.begin)];
}

Bands::View Bands::take(std::int64_t band) {
  auto& here = slot(band);
  View view;
  view.bytes = here.bytes.bytes();
  std::vector<Run> runs;
  std::vector<ItemMark> marks;
  {
    const std::lock_guard lock(here.mutex);
    runs.swap(here.runs);
    marks.swap(here.marks);
    view.variable.swap(here.variable);
  }
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) { return a.items < b.items; });
  std::int64_t byte_end = 0;  // of the last run
  for (const auto& [items, at, byte_at] : runs) {
    if (!view.runs.empty() && view.runs.back().items.end == items.begin && byte_end == byte_at) {
      view.runs.back().items.end = items.end;
    } else {
      view.runs.push_back({items, std::ssize(view.marks), byte_at});
    }
    byte_end = byte_at + static_cast<std::int64_t>(shape_.bytes_in(items));
    view.marks.insert(view.marks.end(), marks.begin() + at, marks.begin() + at + items.size());
  }
  std::sort(view.variable.begin(), view.variable.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return view;
}

void Bands::release(std::int64_t band) {
  slot(band).filled = 0;
  released_.store(band + 1);
}

}  // namespace paceline
