#include "engine/bands.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include <paceline/comm.hpp>

namespace paceline {

Bands::Bands(const Plan& plan, int rank, std::int64_t bytes_per_item, int threads, Records records)
    : plan_(plan), rank_(rank), bytes_per_item_(bytes_per_item), threads_(static_cast<std::size_t>(threads)) {
  // A slot is first touched, page by page, by the threads that compute into it: a rank holds what it computes, not
  // what the band might have been.
  const auto slots = std::min(plan.bands(), static_cast<std::int64_t>(slots_.size()));
  for (std::int64_t band = 0; band < slots; ++band) {
    slot(band).bytes = PageBuffer(static_cast<std::size_t>(plan.band_items() * bytes_per_item));
    slot(band).digests.resize(static_cast<std::size_t>(plan.band_items()));
    if (records == Records::kept) slot(band).records.resize(slot(band).digests.size());
  }
}

Bands::Bands(const Plan& plan, int rank, int threads, std::int64_t parcel_limit)
    : plan_(plan),
      rank_(rank),
      bytes_per_item_(0),
      threads_(static_cast<std::size_t>(threads)),
      parcel_limit_(std::max(std::int64_t{1}, parcel_limit)) {}

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
  Nap nap;
  while (band >= released_.load() + Plan::bands_in_flight()) {
    if (stopping()) return false;
    nap.take();
  }
  return !stopping();
}

std::span<std::byte> Bands::place(std::int64_t band, Slab items) {
  const auto first = items.begin - plan_.window(band, rank_).begin;
  return slot(band).bytes.bytes().subspan(static_cast<std::size_t>(first * bytes_per_item_),
                                          static_cast<std::size_t>(items.size() * bytes_per_item_));
}

void Bands::finished(std::int64_t band, Slab items, std::span<const std::uint64_t> digests,
                     std::span<const ItemRecord> records) {
  auto& here = slot(band);
  const auto first = items.begin - plan_.window(band, rank_).begin;
  std::copy(digests.begin(), digests.end(), here.digests.begin() + first);
  std::copy(records.begin(), records.end(), here.records.begin() + (records.empty() ? 0 : first));
  const std::lock_guard lock(here.mutex);
  here.runs.push_back(items);
}

bool Bands::wait_for_room(const std::function<bool()>& stopping) const {
  for (Nap nap; is_full() && !stopping();) nap.take();
  return !stopping();
}

void Bands::finished(Parcel parcel) {
  const std::lock_guard lock(parcels_mutex_);
  parcels_.push_back(std::move(parcel));
}

std::vector<Parcel> Bands::take_parcels() {
  std::vector<Parcel> taken;
  {
    const std::lock_guard lock(parcels_mutex_);
    taken.swap(parcels_);
  }
  std::sort(taken.begin(), taken.end(), [](const Parcel& a, const Parcel& b) { return a.item < b.item; });
  return taken;
}

void Bands::leave(int thread) {
  threads_[static_cast<std::size_t>(thread)].band.store(std::numeric_limits<std::int64_t>::max());
}

bool Bands::passed(std::int64_t band) const {
  return std::all_of(threads_.begin(), threads_.end(), [&](const Place& place) { return place.band.load() > band; });
}

Bands::View Bands::view(std::int64_t band) {
  auto& here = slot(band);
  const auto window = plan_.window(band, rank_);
  const auto bytes = static_cast<std::size_t>(window.size() * bytes_per_item_);
  return {window, merged(here.runs), here.bytes.bytes().first(bytes), here.digests, here.records};
}

void Bands::release(std::int64_t band) {
  slot(band).runs.clear();
  released_.store(band + 1);
}

}  // namespace paceline
