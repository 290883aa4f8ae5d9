// The function that one of ours stands before.
#pragma once

#include <atomic>

#define PACELINE_EXPORT extern "C" __attribute__((visibility("default")))

namespace paceline::probe {

/// As registers and the stack hold them: every argument of MPI and of OpenMP's runtimes is an integer or a pointer.
using Word = long;

/// Where the next library has it. Ends the program when there is none: it can't have been linked then.
void* find_original(const char* name);
/// Null when there is none.
void* look_for_original(const char* name);
/// A variable, which may lie in the program itself: linkers copy variables of libraries there. Null when there is none.
void* look_for_variable(const char* name);

class Original {
 public:
  constexpr explicit Original(const char* name) : name_(name) {}

  /// Of an int that is returned, the upper half of the word is undefined.
  template <class... Words>
  Word operator()(Words... words) {
    return reinterpret_cast<Word (*)(Words...)>(address())(words...);
  }
  void* address() {
    void* known = address_.load(std::memory_order_relaxed);
    if (known == nullptr) [[unlikely]] {
      known = find_original(name_);
      address_.store(known, std::memory_order_relaxed);
    }
    return known;
  }

 private:
  const char* name_;
  std::atomic<void*> address_ = nullptr;
};

}  // namespace paceline::probe
