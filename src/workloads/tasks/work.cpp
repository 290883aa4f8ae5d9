#include "workloads/tasks/work.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstring>
#include <map>
#include <stdexcept>
#include <thread>

#include <paceline/error.hpp>

namespace paceline::tasks {
namespace {

using Clock = std::chrono::steady_clock;

const std::map<std::string, Kind, std::less<>> kinds{
    {"squares", Kind::squares}, {"fib", Kind::fib}, {"sleep", Kind::sleep}, {"spin", Kind::spin}, {"fail", Kind::fail}};

// The largest whose results are below 2^63; and fib(60) takes hours by its definition.
constexpr std::int64_t largest_squares = 3'024'617;
constexpr std::int64_t largest_fib = 90;
constexpr double largest_seconds = 86'400;

template <class T>
bool read_number(std::string_view text, T& value) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() && end == text.data() + text.size();
}

/// Keeps the compiler from finding the formula itself: then there would be no work.
inline void keep(std::int64_t& value) { asm volatile("" : "+r"(value)); }

void store(std::byte* result, std::int64_t value) { std::memcpy(result, &value, sizeof value); }
void store(std::byte* result, double value) { std::memcpy(result, &value, sizeof value); }

}  // namespace

Work parse_work(const std::string& text) {
  const auto bad = [&](const std::string& why) {
    return Error(ErrorKind::usage, fmt::format("--work {} makes no sense", text), why,
                 "give squares:N, fib:N, sleep:SECONDS, spin:SECONDS or fail:K");
  };
  const auto colon = text.find(':');
  const auto found = kinds.find(text.substr(0, colon));
  if (found == kinds.end()) throw bad("there is no such work");
  if (colon == std::string::npos) throw bad("its number is missing");
  Work work;
  work.kind = found->second;
  const std::string_view value(text.data() + colon + 1, text.size() - colon - 1);
  const auto bounded = [&](std::int64_t largest) {
    if (!read_number(value, work.number)) throw bad(fmt::format("'{}' is no whole number", value));
    if (work.number < 0 || work.number > largest) throw bad(fmt::format("the number must be 0 to {}", largest));
  };
  switch (work.kind) {
    case Kind::squares: bounded(largest_squares); break;
    case Kind::fib: bounded(largest_fib); break;
    case Kind::fail: bounded(std::int64_t{1} << 62); break;
    default:
      if (!read_number(value, work.seconds)) throw bad(fmt::format("'{}' is not a number of seconds", value));
      if (!(work.seconds >= 0 && work.seconds <= largest_seconds)) {
        throw bad(fmt::format("the seconds must be 0 to {:g}", largest_seconds));
      }
  }
  return work;
}

std::string Work::text() const {
  switch (kind) {
    case Kind::squares: return fmt::format("squares:{}", number);
    case Kind::fib: return fmt::format("fib:{}", number);
    case Kind::sleep: return fmt::format("sleep:{}", seconds);
    case Kind::spin: return fmt::format("spin:{}", seconds);
    default: return fmt::format("fail:{}", number);
  }
}

double Work::estimated_ns() const {
  switch (kind) {
    case Kind::squares: return 10 + 2 * static_cast<double>(number);
    // Calls grow with the golden ratio.
    case Kind::fib: return 10 + 3 * std::pow(1.6180339887498949, static_cast<double>(number));
    case Kind::fail: return 10;
    default: return 10 + 1e9 * seconds;
  }
}

std::int64_t sum_of_squares(std::int64_t n) {
  std::int64_t sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    sum += i * i;
    keep(sum);
  }
  return sum;
}

std::int64_t fib(std::int64_t n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

void perform(const Work& work, std::int64_t task, std::byte* result) {
  switch (work.kind) {
    case Kind::squares: return store(result, sum_of_squares(work.number));
    case Kind::fib: return store(result, fib(work.number));
    case Kind::sleep: std::this_thread::sleep_for(std::chrono::duration<double>(work.seconds)); break;
    case Kind::spin:
      for (const auto end = Clock::now() + std::chrono::duration<double>(work.seconds); Clock::now() < end;) {
      }
      break;
    case Kind::fail:
      if (task == work.number) throw std::runtime_error(fmt::format("task {0} throws, as --work fail:{0} asks", task));
      break;
  }
  perform_reference(work, task, result);
}

void perform_reference(const Work& work, std::int64_t task, std::byte* result) {
  const auto n = work.number;
  switch (work.kind) {
    case Kind::squares: {
      // Of three factors one can be divided by 3 and one by 2; 128 bits hold the product.
      __extension__ using Wide = unsigned __int128;
      const auto wide = n == 0 ? Wide{0} : Wide(n) * Wide(n - 1) * Wide(2 * n - 1) / 6;
      return store(result, static_cast<std::int64_t>(wide));
    }
    case Kind::fib: {
      std::int64_t before = 1;
      std::int64_t value = 0;
      for (std::int64_t i = 0; i < n; ++i) before = std::exchange(value, value + before);
      return store(result, value);
    }
    case Kind::fail: return store(result, task);
    default: return store(result, work.seconds);
  }
}

}  // namespace paceline::tasks
