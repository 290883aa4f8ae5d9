// What a task may be: work whose result is known, and whose time is short, long, spent or slept away.
#pragma once

#include <cstdint>
#include <string>

#include "workloads/workload.hpp"

namespace paceline::tasks {

enum class Kind { squares, fib, sleep, spin, fail };

struct Work {
  Kind kind = Kind::squares;
  std::int64_t number = 2000;  ///< of squares, fib, fail
  double seconds = 0;          ///< of sleep and spin

  [[nodiscard]] ElementType result_type() const {
    return kind == Kind::sleep || kind == Kind::spin ? ElementType::float64 : ElementType::int64;
  }
  /// A time that a task surely takes at most, in nanoseconds: as good a guess as any machine needs.
  [[nodiscard]] double estimated_ns() const;
  [[nodiscard]] std::string text() const;
};

/// KIND:VALUE. Throws Error (usage).
Work parse_work(const std::string& text);

/// The sum of i * i for i < n, one by one.
std::int64_t sum_of_squares(std::int64_t n);
/// By its definition: fib(n - 1) + fib(n - 2), with fib(0) = 0 and fib(1) = 1.
std::int64_t fib(std::int64_t n);

/// Does it, and writes the result's 8 bytes to `result`: the number, for sleep and spin the seconds asked for, for fail
/// the task's own number. Throws std::runtime_error in the task that fail names. Any thread.
void perform(const Work& work, std::int64_t task, std::byte* result);
/// The same result without spending time: sums by their formulas (n(n-1)(2n-1)/6; fib by addition), no sleep.
void perform_reference(const Work& work, std::int64_t task, std::byte* result);

}  // namespace paceline::tasks
