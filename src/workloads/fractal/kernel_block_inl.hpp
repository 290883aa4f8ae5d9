// A block of pixels: groups side by side for the first iterations, lanes for what is left of them.
// Included once per instruction set, see kernel_step_inl.hpp.

#if defined(PACELINE_KERNEL_BLOCK_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_KERNEL_BLOCK_INL
#undef PACELINE_KERNEL_BLOCK_INL
#else
#define PACELINE_KERNEL_BLOCK_INL
#endif

#include <algorithm>
#include <utility>

#include "workloads/fractal/counts_sink.hpp"
#include "workloads/fractal/kernel.hpp"
#include "workloads/fractal/kernel_interior_inl.hpp"
#include "workloads/fractal/kernel_lanes_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace paceline::fractal {
namespace HWY_NAMESPACE {

// Up to so many iterations a group is followed to the end; beyond, what is still inside after `first_steps` and a few
// goes to lanes.
inline constexpr std::uint64_t group_only = 64;
inline constexpr std::uint32_t first_steps = 16;

HWY_INLINE bool largest_square(std::span<const double> values, double& largest) {
  largest = 0;
  bool numbers = true;
  for (const double v : values) {
    largest = v * v > largest ? v * v : largest;
    numbers &= v == v;
  }
  return numbers;
}

// Stores a whole group of counts as narrow ones; from nullptr: all of them `same`.
template <std::size_t bytes>
HWY_INLINE void store_narrow(const std::uint64_t* HWY_RESTRICT counts, std::uint64_t same, void* to) {
  const DU du;
  using Count = hwy::UnsignedFromSize<bytes>;
  const hn::Rebind<Count, DU> narrow;
  auto* out = static_cast<Count*>(to);
  const std::size_t lanes = hn::Lanes(du);
  for (std::size_t v = 0; v < vectors_in_flight; ++v) {
    if (counts == nullptr) {
      hn::StoreU(hn::Set(narrow, static_cast<Count>(same)), narrow, out + v * lanes);
    } else if constexpr (bytes == 8) {
      hn::StoreU(hn::Load(du, counts + v * lanes), du, out + v * lanes);
    } else {
      hn::StoreU(hn::TruncateTo(narrow, hn::Load(du, counts + v * lanes)), narrow, out + v * lanes);
    }
  }
}

HWY_INLINE void store_counts(const CountsSink& sink, std::size_t pixel, const std::uint64_t* HWY_RESTRICT counts,
                             std::uint64_t same) {
  char* const to = static_cast<char*>(sink.data) + pixel * sink.bytes;
  switch (sink.bytes) {
    case 1: return store_narrow<1>(counts, same, to);
    case 2: return store_narrow<2>(counts, same, to);
    case 4: return store_narrow<4>(counts, same, to);
    default: return store_narrow<8>(counts, same, to);
  }
}

template <Map map, bool skip>
class Block {
 public:
  Block(const KernelParams& params, std::span<const double> re, std::span<const double> im, CountsSink sink)
      : params_(params),
        re_(re),
        im_(im),
        sink_(sink),
        max_iter_(params.max_iter),
        limit_(static_cast<std::uint32_t>(
            max_iter_ <= group_only ? max_iter_ : first_steps + (max_iter_ - first_steps) % batch_steps<skip>)),
        lanes_(sink_, max_iter_, max_iter_ - limit_) {}

  KernelWork run() {
    if (max_iter_ == 0) {
      for (std::size_t i = 0; i < re_.size() * im_.size(); ++i) sink_.put(i, 0);
      return {};
    }
    const bool julia = params_.formula == Formula::julia;
    double largest;
    const bool numbers = largest_square(re_, largest);
    if (julia) {
      std::fill_n(c_re_, max_group, params_.julia_re);
      std::fill_n(c_im_, max_group, params_.julia_im);
    }
    const double cc = params_.julia_re * params_.julia_re + params_.julia_im * params_.julia_im;
    const std::size_t cols = re_.size();
    const std::size_t pixels = cols * im_.size();
    std::size_t row = im_.size();  // of z_im_; none yet
    bool row_tame = false;
    std::size_t r = 0;
    std::size_t c = 0;
    for (std::size_t p = 0; p < pixels; p += group_, c += group_) {
      const std::size_t valid = std::min(group_, pixels - p);
      if (c >= cols) {
        r = p / cols;
        c = p - r * cols;
      }
      const double* z_re = re_.data() + c;
      bool tame;
      if (c + group_ <= cols) {
        if (r != row) {
          row = r;
          std::fill_n(z_im_, group_, im_[r]);
          const double bound = largest + im_[r] * im_[r];
          row_tame = numbers && (julia ? cc <= returns_never && bound <= julia_start_limit : bound <= returns_never);
        }
        tame = row_tame || group_tame(z_re, cc);
      } else {
        // Across rows, or the end: gathered; what is beyond the end repeats the last pixel.
        std::size_t gr = r;
        std::size_t gc = c;
        for (std::size_t i = 0; i < group_; ++i) {
          z_re_[i] = re_[gc];
          z_im_[i] = im_[gr];
          if (i + 1 < valid && ++gc == cols) {
            gc = 0;
            ++gr;
          }
        }
        row = im_.size();
        z_re = z_re_;
        tame = group_tame(z_re, cc);
      }
      group(p, valid, z_re, julia ? c_re_ : z_re, julia ? c_im_ : z_im_, tame);
    }
    lanes_.run(queue_, true);
    for (const std::uint64_t sum : sums_) work_.counted += sum;
    work_.counted += lanes_.counted();
    work_.executed += lanes_.executed();
    return work_;
  }

 private:
  // Whether no orbit of the group ever comes back from outside.
  bool group_tame(const double* z_re, double cc) const {
    const bool julia = params_.formula == Formula::julia;
    const double limit = julia ? julia_start_limit : returns_never;
    bool tame = !julia || cc <= returns_never;
    for (std::size_t i = 0; i < group_; ++i) tame &= z_re[i] * z_re[i] + z_im_[i] * z_im_[i] <= limit;
    return tame;
  }

  HWY_INLINE void group(std::size_t p, std::size_t valid, const double* z_re, const double* c_re, const double* c_im,
                        bool tame) {
    [[maybe_unused]] const D d;
    const std::size_t lanes = hn::Lanes(d);
    if (!tame) {
      for (std::size_t v = 0; v < group_; v += lanes) {
        work_.executed += lanes * follow_any<map>(z_re + v, z_im_ + v, c_re + v, c_im + v, max_iter_, counts_ + v);
      }
      return store(p, valid);
    }
    if constexpr (skip && map == Map::square) {
      // Asked only beside a group that stayed inside: interiors are large, and far from them it would be for nothing.
      if (guess_.untested == limit_ && params_.formula == Formula::mandelbrot) {
        M all = hn::FirstN(d, lanes);
        for (std::size_t v = 0; v < group_; v += lanes) {
          all = hn::And(all, never_leaves(hn::LoadU(d, c_re + v), hn::Load(d, c_im + v)));
        }
        const bool before = std::exchange(known_, hn::AllTrue(d, all));
        if (known_) return store_same(p, valid, max_iter_);
        if (before) guess_ = {};
      }
    }
    Ending ending;
    std::uint32_t steps = 0;
    const auto follow = [&](Guess guess) {
      steps += follow_group<map>(z_re, z_im_, c_re, c_im, limit_, guess, counts_, limit_ < max_iter_ ? end_x_ : nullptr,
                                 end_y_, ending);
      return ending != Ending::begin_again;
    };
    // Neighbours differ by little: a wrong guess is tried again a little shorter, and then without any.
    const std::uint32_t shorter = guess_.untested > 4 ? guess_.untested - 2 : 1;
    if (!follow(guess_) && !follow({shorter, false})) follow({});
    work_.executed += steps * group_;
    if (ending == Ending::all_same) {
      if (guess_.untested < limit_ || limit_ == max_iter_) return store_same(p, valid, guess_.untested);
      std::fill_n(counts_, group_, limit_);
    } else {
      guess_ = guess_from_counts();
    }
    if (limit_ < max_iter_ && any_survivor()) survivors(p, valid, c_re, c_im);
    store(p, valid);
    if (queue_.size >= queue_room) lanes_.run(queue_, false);  // writes counts of this group, too
  }

  Guess guess_from_counts() const {
    const auto first = static_cast<std::uint32_t>(counts_[0]);
    const auto last = static_cast<std::uint32_t>(counts_[group_ - 1]);
    if (first == last && first > 0) return {first, true};
    return {std::max<std::uint32_t>(std::min(first, last), 2) - 1, false};
  }

  bool any_survivor() const {
    const DU du;
    auto any = hn::Eq(hn::Load(du, counts_), hn::Set(du, limit_));
    for (std::size_t v = hn::Lanes(du); v < group_; v += hn::Lanes(du)) {
      any = hn::Or(any, hn::Eq(hn::Load(du, counts_ + v), hn::Set(du, limit_)));
    }
    return !hn::AllFalse(du, any);
  }

  // Queues the orbits that are still inside; their counts follow from the lanes.
  HWY_NOINLINE void survivors(std::size_t p, std::size_t valid, const double* c_re, const double* c_im) {
    const D d;
    const DU du;
    const std::size_t lanes = hn::Lanes(d);
    for (std::size_t v = 0; v < valid; v += lanes) {
      const VU n = hn::Load(du, counts_ + v);
      const V cx = hn::LoadU(d, c_re + v);
      const V cy = hn::Load(d, c_im + v);
      auto queued = hn::And(hn::Eq(n, hn::Set(du, limit_)), hn::FirstN(du, valid - v));
      VU kept = hn::IfThenZeroElse(queued, n);
      if constexpr (skip && map == Map::square) {
        if (params_.formula == Formula::mandelbrot) {
          const auto known = hn::RebindMask(du, never_leaves(cx, cy));
          queued = hn::AndNot(known, queued);
          kept = hn::IfThenElse(known, hn::Set(du, max_iter_), kept);
        }
      }
      hn::Store(kept, du, counts_ + v);
      const M m = hn::RebindMask(d, queued);
      const std::size_t q = queue_.size;
      hn::CompressStore(hn::Load(d, end_x_ + v), m, d, queue_.x + q);
      hn::CompressStore(hn::Load(d, end_y_ + v), m, d, queue_.y + q);
      hn::CompressStore(cx, m, d, queue_.cx + q);
      hn::CompressStore(cy, m, d, queue_.cy + q);
      queue_.size += hn::CompressStore(hn::Iota(du, p + v), queued, du, queue_.pixel + q);
    }
  }

  HWY_INLINE void store(std::size_t p, std::size_t valid) {
    const DU du;
    if (valid == group_) {
      VU sum = hn::Load(du, sums_);
      for (std::size_t v = 0; v < group_; v += hn::Lanes(du)) sum = hn::Add(sum, hn::Load(du, counts_ + v));
      hn::Store(sum, du, sums_);
      return store_counts(sink_, p, counts_, 0);
    }
    for (std::size_t i = 0; i < valid; ++i) {
      sink_.put(p + i, counts_[i]);
      work_.counted += counts_[i];
    }
  }

  HWY_INLINE void store_same(std::size_t p, std::size_t valid, std::uint64_t count) {
    work_.counted += valid * count;
    if (valid == group_) return store_counts(sink_, p, nullptr, count);
    for (std::size_t i = 0; i < valid; ++i) sink_.put(p + i, count);
  }

  alignas(64) double z_re_[max_group];
  alignas(64) double z_im_[max_group];
  alignas(64) double c_re_[max_group];
  alignas(64) double c_im_[max_group];
  alignas(64) double end_x_[max_group];
  alignas(64) double end_y_[max_group];
  alignas(64) std::uint64_t counts_[max_group];
  alignas(64) std::uint64_t sums_[max_group] = {};  // of counts, a lane each

  const KernelParams params_;
  const std::span<const double> re_;
  const std::span<const double> im_;
  CountsSink sink_;
  const std::uint64_t max_iter_;
  const std::uint32_t limit_;  // iterations in the group; what is left is a multiple of batch_steps
  const std::size_t group_ = vectors_in_flight * hn::Lanes(D());
  Guess guess_;         // the last group did this
  bool known_ = false;  // the last group never_leaves
  KernelWork work_;
  Orbits queue_;
  Lanes<map, skip> lanes_;
};

template <Map map>
KernelWork count_mapped(const KernelParams& params, std::span<const double> re, std::span<const double> im,
                        CountsSink sink) {
  return params.interior == Interior::skip ? Block<map, true>(params, re, im, sink).run()
                                           : Block<map, false>(params, re, im, sink).run();
}

KernelWork count_all(const KernelParams& params, std::span<const double> re, std::span<const double> im,
                     CountsSink sink) {
  switch (params.formula) {
    case Formula::burning_ship: return count_mapped<Map::ship>(params, re, im, sink);
    case Formula::tricorn: return count_mapped<Map::tricorn>(params, re, im, sink);
    default: return count_mapped<Map::square>(params, re, im, sink);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace paceline::fractal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
