// Long orbits: lanes that step many iterations between tests and take the next orbit as soon as one is done.
// Included once per instruction set, see kernel_step_inl.hpp.

#if defined(PACELINE_KERNEL_LANES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef PACELINE_KERNEL_LANES_INL
#undef PACELINE_KERNEL_LANES_INL
#else
#define PACELINE_KERNEL_LANES_INL
#endif

#include <algorithm>
#include <cstring>
#include <limits>

#include "workloads/fractal/counts_sink.hpp"
#include "workloads/fractal/kernel_step_inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace paceline::fractal {
namespace HWY_NAMESPACE {

// Steps of one batch: long enough to make tests cheap, and a multiple of the commonest periods. Where periods are
// looked for, a shorter one finds them sooner.
template <bool skip>
inline constexpr std::uint32_t batch_steps = skip ? 48 : 96;
inline constexpr std::uint64_t save_distance = 5;  // batches
inline constexpr std::size_t queue_room = 512;

struct Orbits {
  alignas(64) double x[queue_room + 2 * max_group];
  alignas(64) double y[queue_room + 2 * max_group];
  alignas(64) double cx[queue_room + 2 * max_group];
  alignas(64) double cy[queue_room + 2 * max_group];
  alignas(64) std::uint64_t pixel[queue_room + 2 * max_group];
  std::size_t size = 0;
};

// Requires orbits that never come back, all of them `max_iter - remaining` iterations old, and inside.
template <Map map, bool skip>
class Lanes {
 public:
  Lanes(CountsSink& sink, std::uint64_t max_iter, std::uint64_t remaining)
      : sink_(sink), max_iter_(max_iter), batches_(remaining / batch_steps<skip>) {
    for (std::size_t i = 0; i < max_group; ++i) make_idle(i);
  }

  std::uint64_t counted() const { return counted_; }
  std::uint64_t executed() const { return executed_; }

  // Runs until the queue is empty and, if `to_the_end`, all orbits are done.
  void run(Orbits& queue, bool to_the_end) {
    if (active_ < group_) {
      for (std::size_t i = 0; i < group_ && queue.size > 0; ++i) {
        if (deadline_[i] == idle) refill(i, queue);
      }
    }
    while (active_ > 0 && (to_the_end || queue.size > 0)) run_batch(queue);
    if (to_the_end) replay();
  }

 private:
  static constexpr std::uint64_t idle = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::size_t mask_bytes = 8;

  void make_idle(std::size_t i) {
    x_[i] = y_[i] = cx_[i] = cy_[i] = 0;
    saved_x_[i] = saved_y_[i] = std::numeric_limits<double>::quiet_NaN();
    deadline_[i] = idle;
  }

  void refill(std::size_t i, Orbits& queue) {
    const std::size_t q = --queue.size;
    x_[i] = queue.x[q];
    y_[i] = queue.y[q];
    cx_[i] = queue.cx[q];
    cy_[i] = queue.cy[q];
    saved_x_[i] = std::numeric_limits<double>::quiet_NaN();  // another orbit's: equal to nothing
    pixel_[i] = queue.pixel[q];
    deadline_[i] = now_ + batches_;
    ++active_;
  }

  void finish(std::uint64_t pixel, std::uint64_t count) {
    sink_.put(pixel, count);
    counted_ += count;
  }

  HWY_NOINLINE void run_batch(Orbits& queue) {
    const D d;
    const DU du;
    const std::size_t lanes = hn::Lanes(d);
    ++now_;
    executed_ += batch_steps<skip> * active_;
#define PACELINE_LOAD(i)                        \
  V x##i = hn::Load(d, x_ + i * lanes);         \
  V y##i = hn::Load(d, y_ + i * lanes);         \
  const V cx##i = hn::Load(d, cx_ + i * lanes); \
  const V cy##i = hn::Load(d, cy_ + i * lanes);
    PACELINE_EACH(PACELINE_LOAD)
    for (std::uint32_t k = 0; k < batch_steps<skip>; ++k) {
#define PACELINE_STEP(i) step<map, fused_untested(i)>(x##i, y##i, cx##i, cy##i);
      PACELINE_EACH(PACELINE_STEP)
    }
    // An orbit that comes back to a former z never leaves: the map is a function of z alone. (-0 equals 0: the signs of
    // zeros change no later magnitude.) Attracting cycles become exact cycles of doubles. Compared with are z one batch
    // ago, which finds the periods that divide batch_steps, and one saved 5 10 5 20 5 10 5 20 ... batches long: Brent's
    // search, but with one clock for all lanes; longer distances find more periods but let all others wait.
    const V four = hn::Set(d, 4.0);
    const VU time = hn::Set(du, now_);
    M any = hn::FirstN(d, 0);
#define PACELINE_TEST(i)                                                                                             \
  M done##i = hn::Not(hn::Le(magnitude(x##i, y##i), four));                                                          \
  done##i = hn::Or(done##i, hn::RebindMask(d, hn::Eq(time, hn::Load(du, deadline_ + i * lanes))));                   \
  if constexpr (skip) {                                                                                              \
    done##i = hn::Or(done##i,                                                                                        \
                     hn::And(hn::Eq(x##i, hn::Load(d, x_ + i * lanes)), hn::Eq(y##i, hn::Load(d, y_ + i * lanes)))); \
    done##i = hn::Or(done##i, hn::And(hn::Eq(x##i, hn::Load(d, saved_x_ + i * lanes)),                               \
                                      hn::Eq(y##i, hn::Load(d, saved_y_ + i * lanes))));                             \
  }                                                                                                                  \
  any = hn::Or(any, done##i);
    PACELINE_EACH(PACELINE_TEST)
    if (HWY_UNLIKELY(!hn::AllFalse(d, any))) {
      std::uint8_t bits[vectors_in_flight * mask_bytes] = {};
#define PACELINE_DONE(i)                                \
  hn::StoreMaskBits(d, done##i, bits + i * mask_bytes); \
  hn::Store(x##i, d, end_x_ + i * lanes);               \
  hn::Store(y##i, d, end_y_ + i * lanes);
      PACELINE_EACH(PACELINE_DONE)
      for (std::size_t v = 0; v < vectors_in_flight; ++v) {
        std::uint64_t set;
        std::memcpy(&set, bits + v * mask_bytes, sizeof set);
        for (; set != 0; set &= set - 1) {
          end_orbit(v * lanes + hwy::Num0BitsBelowLS1Bit_Nonzero64(set), queue);
        }
      }
#define PACELINE_MERGE(i)                 \
  x##i = hn::Load(d, end_x_ + i * lanes); \
  y##i = hn::Load(d, end_y_ + i * lanes);
      PACELINE_EACH(PACELINE_MERGE)
    }
#define PACELINE_STORE(i)             \
  hn::Store(x##i, d, x_ + i * lanes); \
  hn::Store(y##i, d, y_ + i * lanes);
    PACELINE_EACH(PACELINE_STORE)
    if constexpr (skip) {
      if (now_ == next_save_) {
        ++saves_;
        next_save_ = now_ + save_distance * std::min<std::uint64_t>(saves_ & (~saves_ + 1), 4);
#define PACELINE_SAVE(i)                    \
  hn::Store(x##i, d, saved_x_ + i * lanes); \
  hn::Store(y##i, d, saved_y_ + i * lanes);
        PACELINE_EACH(PACELINE_SAVE)
      }
    }
#undef PACELINE_LOAD
#undef PACELINE_STEP
#undef PACELINE_TEST
#undef PACELINE_DONE
#undef PACELINE_MERGE
#undef PACELINE_STORE
#undef PACELINE_SAVE
  }

  // Lane i is outside, at its last iteration, or periodic: its count, or a place in the queue of those to count
  // exactly.
  void end_orbit(std::size_t i, Orbits& queue) {
    if (deadline_[i] == idle) return;  // rests at 0, which is periodic
    if (end_x_[i] * end_x_[i] + end_y_[i] * end_y_[i] <= 4.0) {
      finish(pixel_[i], max_iter_);
    } else {
      const std::size_t r = replays_++;
      replay_x_[r] = x_[i];
      replay_y_[r] = y_[i];
      replay_cx_[r] = cx_[i];
      replay_cy_[r] = cy_[i];
      replay_pixel_[r] = pixel_[i];
      replay_base_[r] = max_iter_ - (deadline_[i] - now_ + 1) * batch_steps<skip>;
      if (replays_ == group_) replay();
    }
    --active_;
    if (queue.size > 0) {
      refill(i, queue);
    } else {
      make_idle(i);
    }
    end_x_[i] = x_[i];
    end_y_[i] = y_[i];
  }

  // Follows the orbits that left during a batch once more from its begin, with a test each iteration.
  HWY_NOINLINE void replay() {
    if (replays_ == 0) return;
    for (std::size_t i = replays_; i < group_; ++i) {
      replay_x_[i] = replay_x_[0];
      replay_y_[i] = replay_y_[0];
      replay_cx_[i] = replay_cx_[0];
      replay_cy_[i] = replay_cy_[0];
    }
    alignas(64) std::uint64_t counts[max_group];
    Ending unused;
    const std::uint32_t steps = follow_group<map>(replay_x_, replay_y_, replay_cx_, replay_cy_, batch_steps<skip>, {},
                                                  counts, nullptr, nullptr, unused);
    executed_ += steps * group_;
    for (std::size_t i = 0; i < replays_; ++i) finish(replay_pixel_[i], replay_base_[i] + counts[i]);
    replays_ = 0;
  }

  alignas(64) double x_[max_group];
  alignas(64) double y_[max_group];
  alignas(64) double cx_[max_group];
  alignas(64) double cy_[max_group];
  alignas(64) double saved_x_[max_group];
  alignas(64) double saved_y_[max_group];
  alignas(64) double end_x_[max_group];
  alignas(64) double end_y_[max_group];
  alignas(64) std::uint64_t deadline_[max_group];
  std::uint64_t pixel_[max_group];
  double replay_x_[max_group];
  double replay_y_[max_group];
  double replay_cx_[max_group];
  double replay_cy_[max_group];
  std::uint64_t replay_pixel_[max_group];
  std::uint64_t replay_base_[max_group];
  std::size_t replays_ = 0;

  CountsSink& sink_;
  const std::uint64_t max_iter_;
  const std::uint64_t batches_;
  const std::size_t group_ = vectors_in_flight * hn::Lanes(D());
  std::size_t active_ = 0;
  std::uint64_t now_ = 0;  // batches since the begin
  std::uint64_t next_save_ = 1;
  std::uint64_t saves_ = 0;
  std::uint64_t counted_ = 0;
  std::uint64_t executed_ = 0;
};

}  // namespace HWY_NAMESPACE
}  // namespace paceline::fractal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
