// What can be a task: a function as a template argument, or a function object; and what its arguments may be.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include <paceline/serialise.hpp>

namespace paceline {
namespace sync {
class SharedObject;
}  // namespace sync

/// How a shared object (Mutex, Queue, Value ...) is a task's argument: the task has it as a reference to the same
/// object on its own rank.
template <class T>
class SharedHandle;

namespace detail {

/// Stands for the result of a task that returns nothing; takes no bytes.
struct Nothing {};

}  // namespace detail

template <>
struct Serialiser<detail::Nothing> {
  static void write(ByteWriter& /*writer*/, const detail::Nothing& /*nothing*/) {}
  static void read(ByteReader& /*reader*/, detail::Nothing& /*nothing*/) {}
};

namespace detail {

template <class A>
inline constexpr bool is_shared_object = std::is_base_of_v<sync::SharedObject, std::remove_cvref_t<A>>;

template <class A>
struct Parameter {
  static_assert(!std::is_pointer_v<std::decay_t<A>>,
                "a task has a pointer as parameter: an address means nothing on another rank; take a value, a string "
                "or a vector");
  static_assert(std::is_pointer_v<std::decay_t<A>> ||
                    !(std::is_lvalue_reference_v<A> && !std::is_const_v<std::remove_reference_t<A>>),
                "a task can't change its arguments here, because it runs on another rank: take values or const &, and "
                "return what is new");
  using Type = std::remove_cvref_t<A>;
  static constexpr bool is_serialisable = Serialisable<Type>;
  static_assert(is_serialisable || std::is_pointer_v<std::decay_t<A>>,
                "a task has a parameter that can't go to another rank: its type (Parameter<...> above) must be default "
                "constructible, own what it refers to, and be known to serialise.hpp, cereal.hpp or a Serialiser");
};
template <class A>
requires(is_shared_object<A>) struct Parameter<A> {
  static_assert(std::is_lvalue_reference_v<A>, "a task takes a shared object by reference");
  using Type = SharedHandle<std::remove_cvref_t<A>>;
};

template <class R>
struct Returned {
  static_assert(!std::is_pointer_v<R> && !std::is_reference_v<R>,
                "a task returns an address, which means nothing on another rank: return a value");
  using Type = std::remove_cvref_t<R>;
  static_assert(Serialisable<Type> || std::is_pointer_v<R> || std::is_reference_v<R>,
                "a task returns what can't go to another rank: its type (Returned<...> above) must be default "
                "constructible, own what it refers to, and be known to serialise.hpp, cereal.hpp or a Serialiser");
};
template <>
struct Returned<void> {
  using Type = Nothing;
};

template <class R, class... A>
struct SignatureOf {
  using Result = typename Returned<R>::Type;
  using Arguments = std::tuple<typename Parameter<A>::Type...>;
  static constexpr bool returns = !std::is_void_v<R>;
};

/// Of a pointer to a function, or to an operator().
template <class F>
struct CallSignature;
template <class R, class... A>
struct CallSignature<R (*)(A...)> : SignatureOf<R, A...> {};
template <class R, class... A>
struct CallSignature<R (*)(A...) noexcept> : SignatureOf<R, A...> {};
template <class C, class R, class... A>
struct CallSignature<R (C::*)(A...) const> : SignatureOf<R, A...> {};
template <class C, class R, class... A>
struct CallSignature<R (C::*)(A...) const noexcept> : SignatureOf<R, A...> {};

template <class F>
inline constexpr bool is_function_pointer = std::is_pointer_v<F>&& std::is_function_v<std::remove_pointer_t<F>>;
template <class F>
concept HasOneCall = requires {
  &F::operator();
};
template <class F>
inline constexpr bool has_const_call = false;
template <HasOneCall F>
inline constexpr bool has_const_call<F> = requires {
  typename CallSignature<decltype(&F::operator())>::Result;
};

/// f of pool.map<f>(...).
template <auto f>
struct Constant {
  using F = std::decay_t<decltype(f)>;
  static_assert(!std::is_member_function_pointer_v<F>,
                "a member function is no task, because it needs an object: write a lambda that takes the object as its "
                "argument");
  static_assert(is_function_pointer<F> || HasOneCall<F> || std::is_member_function_pointer_v<F>,
                "this lambda is no task: its parameters are auto; name their types");
  static auto signature() {
    if constexpr (is_function_pointer<F>) {
      return CallSignature<F>();
    } else if constexpr (HasOneCall<F>) {
      return CallSignature<decltype(&F::operator())>();
    } else {
      return SignatureOf<void>();
    }
  }
  using Signature = decltype(signature());

  static constexpr Constant read(const Bytes& /*held*/) { return {}; }
  /// A call of f itself, not of where a pointer leads: the compiler puts short functions into the loop over tasks.
  template <class... Values>
  decltype(auto) operator()(Values&&... values) const {
    return std::invoke(f, std::forward<Values>(values)...);
  }
};

/// f of pool.map(f, ...): it goes as the bytes of its captures, or, where it is Serialisable, member by member.
template <class F>
struct Object {
  static_assert(!is_function_pointer<F>,
                "a function is given to a pool as a template argument: write pool.map<f>(inputs) instead of "
                "pool.map(f, inputs), because its address means nothing on another rank");
  static_assert(!std::is_member_function_pointer_v<F>,
                "a member function is no task, because it needs an object: write a lambda that takes the object as its "
                "argument");
  static constexpr bool is_object = std::is_class_v<F>;
  static_assert(!is_object || HasOneCall<F>, "this lambda is no task: its parameters are auto; name their types");
  static_assert(!is_object || !HasOneCall<F> || has_const_call<F>,
                "this lambda is no task: it is mutable, and each rank would change a copy of its own");
  /// What a reference captures is an address, too, but one that only the layout gives away.
  static constexpr bool goes_as_bytes = MadeOfBytes<F> && std::is_standard_layout_v<F>;
  static_assert(!is_object || goes_as_bytes || Serialisable<F> || !std::is_trivially_copyable_v<F>,
                "this lambda captures a pointer or a reference, which means nothing on another rank: capture numbers "
                "by value, and give all else as an argument or as a member of a struct with operator()");
  static_assert(!is_object || Serialisable<F> || std::is_trivially_copyable_v<F>,
                "this lambda captures more than numbers, which goes to other ranks only where it is seen to: give it "
                "as an argument or as a member of a struct with operator()");
  static auto signature() {
    if constexpr (has_const_call<F> && (goes_as_bytes || Serialisable<F>)) {
      return CallSignature<decltype(&F::operator())>();
    } else {
      return SignatureOf<void>();
    }
  }
  using Signature = decltype(signature());

  static Bytes write(const F& f) {
    ByteWriter writer;
    if constexpr (std::is_empty_v<F>) {
    } else if constexpr (Serialisable<F>) {
      write_value(writer, f);
    } else if constexpr (goes_as_bytes) {
      writer.write(&f, sizeof f);
    }
    return writer.take();
  }
  static F read(const Bytes& held) {
    ByteReader reader(held);
    if constexpr (!std::is_empty_v<F> && Serialisable<F>) {
      F f{};
      read_value(reader, f);
      return f;
    } else {
      std::array<std::byte, sizeof(F)> bytes{};
      if constexpr (!std::is_empty_v<F>) reader.read(bytes.data(), bytes.size());
      return std::bit_cast<F>(bytes);
    }
  }
};

/// Whether a number is the same as a To. From double to float it may be rounded.
template <class To, class From>
bool keeps_value(From from) {
  constexpr int digits = std::numeric_limits<To>::digits;
  if constexpr (std::is_floating_point_v<From> && std::is_floating_point_v<To>) {
    return std::isfinite(static_cast<To>(from)) || !std::isfinite(from);
  } else if constexpr (std::is_floating_point_v<From>) {
    // Out of range, the conversion has no defined value.
    return from >= static_cast<From>(std::numeric_limits<To>::min()) && from < std::ldexp(From{1}, digits) &&
           static_cast<From>(static_cast<To>(from)) == from;
  } else if constexpr (std::is_floating_point_v<To>) {
    const auto to = static_cast<To>(from);
    return std::abs(to) < std::ldexp(To{1}, std::numeric_limits<From>::digits) && static_cast<From>(to) == from;
  } else {
    const auto is_negative = [](auto x) {
      if constexpr (std::is_signed_v<decltype(x)>) return x < 0;
      return false;
    };
    const auto to = static_cast<To>(from);
    return static_cast<From>(to) == from && is_negative(to) == is_negative(from);
  }
}

[[noreturn]] void throw_narrowed(std::size_t argument, const std::string& value);

/// `from` as a To: an implicit conversion that keeps its value. Throws Error if it does not.
template <class To, class From>
To converted(From&& from, std::size_t argument) {
  using F = std::remove_cvref_t<From>;
  static_assert(std::is_convertible_v<From, To>,
                "an argument has another type than the task's parameter, and no implicit conversion leads there");
  static_assert(!(std::is_pointer_v<std::decay_t<F>> && std::is_arithmetic_v<To>),
                "an argument is an address where the task takes a number");
  if constexpr (std::is_convertible_v<From, To>) {
    if constexpr (std::is_arithmetic_v<F> && std::is_arithmetic_v<To> && !std::is_same_v<F, To>) {
      if (!keeps_value<To>(from)) throw_narrowed(argument, std::to_string(from));
      return static_cast<To>(from);
    } else {
      return std::forward<From>(from);
    }
  } else {
    return To{};
  }
}

template <class T>
concept TupleLike = requires {
  std::tuple_size<std::remove_cvref_t<T>>::value;
};

/// The arguments of a call.
template <class Arguments, class... Values>
Arguments arguments_of(Values&&... values) {
  static_assert(sizeof...(Values) == std::tuple_size_v<Arguments>,
                "a task was given another number of arguments than it has parameters");
  if constexpr (sizeof...(Values) == std::tuple_size_v<Arguments>) {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return Arguments{converted<std::tuple_element_t<i, Arguments>>(std::forward<Values>(values), i + 1)...};
    }
    (std::index_sequence_for<Values...>());
  } else {
    return {};
  }
}

/// The same of one input: of a function with several parameters, the input is their tuple or pair.
template <class Arguments, class Input>
Arguments arguments_of_input(Input&& input) {
  if constexpr (std::tuple_size_v<Arguments> == 1) {
    // A tuple of one is also taken for what it holds.
    if constexpr (TupleLike<Input>) {
      if constexpr (!std::is_convertible_v<Input, std::tuple_element_t<0, Arguments>> &&
                    std::tuple_size_v<std::remove_cvref_t<Input>> == 1) {
        return std::apply([](auto&&... value) { return arguments_of<Arguments>(std::move(value)...); },
                          std::remove_cvref_t<Input>(std::forward<Input>(input)));
      } else {
        return arguments_of<Arguments>(std::forward<Input>(input));
      }
    } else {
      return arguments_of<Arguments>(std::forward<Input>(input));
    }
  } else {
    static_assert(TupleLike<Input>, "a task with several parameters takes tuples of them as inputs");
    if constexpr (TupleLike<Input>) {
      return std::apply([](auto&&... value) { return arguments_of<Arguments>(std::move(value)...); },
                        std::remove_cvref_t<Input>(std::forward<Input>(input)));
    } else {
      return {};
    }
  }
}

}  // namespace detail
}  // namespace paceline
