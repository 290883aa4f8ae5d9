// What a type is made of, as far as the compiler can tell: whether its bytes hold addresses, and the members of an
// aggregate.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace paceline {

/// True for a trivially copyable type of yours that holds no addresses, where the compiler can't see that: in a union,
/// and in a class without a constexpr constructor. Specialise it for the type.
template <class T>
inline constexpr bool holds_no_addresses = false;

namespace detail {

template <class T>
constexpr bool is_made_of_bytes() {
  (void)std::bit_cast<T>(std::array<std::byte, sizeof(T)>{});
  return true;
}

/// No pointers, references and unions at any depth: std::bit_cast is a constant expression for no other type
/// ([bit.cast], 3).
template <class T>
concept MadeOfBytes =
    std::is_trivially_copyable_v<T> && !std::is_array_v<T> && !std::is_pointer_v<T> && !std::is_member_pointer_v<T> &&
    (holds_no_addresses<T> || requires { typename std::bool_constant<is_made_of_bytes<T>()>; });

// The members of an aggregate are counted by initialising it with more and more values of a type that converts to any
// other. An array among the members takes as many of them as it has elements, and would take as many in braces of its
// own; so the arrays are found, and count once.

template <class A>
struct AnyMember {
  template <class T>
  requires(!std::is_base_of_v<T, A>) operator T() const noexcept;
};
template <class A>
struct AnyBase {
  template <class T>
  requires(std::is_base_of_v<T, A> && !std::is_same_v<T, A>) operator T() const noexcept;
};

template <class A, std::size_t... i>
constexpr bool takes(std::index_sequence<i...>) {
  return requires { A{(void(i), AnyMember<A>{})...}; };
}
template <class A, std::size_t... i, std::size_t... j, std::size_t... k>
constexpr bool takes(std::index_sequence<i...>, std::index_sequence<j...>, std::index_sequence<k...>) {
  return requires { A{(void(i), AnyMember<A>{})..., {(void(j), AnyMember<A>{})...}, (void(k), AnyMember<A>{})...}; };
}

inline constexpr std::size_t most_members = 24;

template <class A, std::size_t n = 0, std::size_t most = 0>
constexpr std::size_t count_initialisers() {
  if constexpr (n > most_members) {
    return most;
  } else {
    return count_initialisers < A, n + 1, takes<A>(std::make_index_sequence<n>{}) ? n : most > ();
  }
}
/// Initialisers that the member at one of them takes: 1 unless it is an array.
template <class A, std::size_t at, std::size_t size, std::size_t rest>
constexpr std::size_t count_elements() {
  if constexpr (size <= 1) {
    return 1;
  } else if constexpr (takes<A>(std::make_index_sequence<at>{}, std::make_index_sequence<size>{},
                                std::make_index_sequence<rest>{}) &&
                       !takes<A>(std::make_index_sequence<at>{}, std::make_index_sequence<size>{},
                                 std::make_index_sequence<rest + 1>{})) {
    return size;
  } else {
    return count_elements<A, at, size - 1, rest + 1>();
  }
}
template <class A, std::size_t all, std::size_t at = 0>
constexpr std::size_t count_members() {
  if constexpr (at >= all) {
    return 0;
  } else {
    return 1 + count_members<A, all, at + count_elements<A, at, all - at, 0>()>();
  }
}

template <class A>
constexpr std::size_t members_of() {
  if constexpr (!std::is_class_v<A> || !std::is_aggregate_v<A> || requires { A{AnyBase<A>{}}; }) {
    return 0;
  } else {
    return count_members<A, count_initialisers<A>()>();
  }
}

/// An aggregate with members that tie_members() can name: at most 12, no base class.
template <class A>
concept Aggregate = (members_of<A>() >= 1) && (members_of<A>() <= 12);

/// References to all members.
template <class A>
constexpr auto tie_members(A& a) {
  constexpr auto n = members_of<std::remove_const_t<A>>();
  if constexpr (n == 1) {
    auto& [m1] = a;
    return std::tie(m1);
  } else if constexpr (n == 2) {
    auto& [m1, m2] = a;
    return std::tie(m1, m2);
  } else if constexpr (n == 3) {
    auto& [m1, m2, m3] = a;
    return std::tie(m1, m2, m3);
  } else if constexpr (n == 4) {
    auto& [m1, m2, m3, m4] = a;
    return std::tie(m1, m2, m3, m4);
  } else if constexpr (n == 5) {
    auto& [m1, m2, m3, m4, m5] = a;
    return std::tie(m1, m2, m3, m4, m5);
  } else if constexpr (n == 6) {
    auto& [m1, m2, m3, m4, m5, m6] = a;
    return std::tie(m1, m2, m3, m4, m5, m6);
  } else if constexpr (n == 7) {
    auto& [m1, m2, m3, m4, m5, m6, m7] = a;
    return std::tie(m1, m2, m3, m4, m5, m6, m7);
  } else if constexpr (n == 8) {
    auto& [m1, m2, m3, m4, m5, m6, m7, m8] = a;
    return std::tie(m1, m2, m3, m4, m5, m6, m7, m8);
  } else if constexpr (n == 9) {
    auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9] = a;
    return std::tie(m1, m2, m3, m4, m5, m6, m7, m8, m9);
  } else if constexpr (n == 10) {
    auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10] = a;
    return std::tie(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10);
  } else if constexpr (n == 11) {
    auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11] = a;
    return std::tie(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11);
  } else {
    auto& [m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12] = a;
    return std::tie(m1, m2, m3, m4, m5, m6, m7, m8, m9, m10, m11, m12);
  }
}

}  // namespace detail
}  // namespace paceline
