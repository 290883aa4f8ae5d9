#include <gtest/gtest.h>

#include <chrono>
#include <complex>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <random>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>

#include <cereal/types/map.hpp>
#include <cereal/types/memory.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/vector.hpp>
#include <paceline/cereal.hpp>
#include <paceline/serialise.hpp>

#include "support.hpp"

namespace paceline {
namespace {

template <class T>
T there_and_back(const T& value) {
  ByteWriter writer;
  write_value(writer, value);
  const auto bytes = writer.take();
  ByteReader reader(bytes);
  T again{};
  read_value(reader, again);
  EXPECT_EQ(reader.left(), 0U);
  return again;
}

struct Plain {
  int a = 0;
  double b = 0;
  bool operator==(const Plain&) const = default;
};

struct Named {
  std::string name;
  std::vector<Plain> parts;
  std::unique_ptr<int> number;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, number);
  }
};

TEST(Serialise, ValuesComeBack) {
  EXPECT_EQ(there_and_back(42), 42);
  EXPECT_EQ(there_and_back(Plain{1, 2.5}), (Plain{1, 2.5}));
  EXPECT_EQ(there_and_back(std::string("a\0b", 3)), std::string("a\0b", 3));
  EXPECT_EQ(there_and_back(std::string()), "");
  EXPECT_EQ(there_and_back(std::vector<Plain>{{1, 2}, {3, 4}}), (std::vector<Plain>{{1, 2}, {3, 4}}));
  EXPECT_EQ(there_and_back(std::vector<bool>{true, false, true}), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(there_and_back(std::vector<std::vector<std::string>>{{"a", ""}, {}, {"long enough to be on the heap"}}),
            (std::vector<std::vector<std::string>>{{"a", ""}, {}, {"long enough to be on the heap"}}));
  const std::tuple<int, std::string, std::pair<double, std::vector<int>>> nested{1, "two", {3.0, {4, 5}}};
  EXPECT_EQ(there_and_back(nested), nested);
  EXPECT_EQ(there_and_back(std::optional<std::string>("x")), "x");
  EXPECT_EQ(there_and_back(std::optional<std::string>()), std::nullopt);
}

TEST(Serialise, TypesThatCerealKnowsComeBack) {
  const std::map<std::string, std::vector<int>> map{{"a", {1}}, {"b", {}}};
  EXPECT_EQ(there_and_back(map), map);
  // Inside of what is known here, too.
  EXPECT_EQ(there_and_back(std::vector{map, map}), (std::vector{map, map}));
  ByteWriter writer;
  write_value(writer, Named{"n", {}, std::make_unique<int>(7)});
  const auto bytes = writer.take();
  ByteReader reader(bytes);
  Named again;
  read_value(reader, again);
  EXPECT_EQ(again.name, "n");
  EXPECT_EQ(*again.number, 7);
}

struct Inner {
  std::string name;
  double numbers[3] = {};
  bool operator==(const Inner&) const = default;
};
struct Outer {
  Inner inner;
  std::optional<Inner> other;
  std::variant<std::monostate, int, std::string> choice;
  std::array<std::string, 2> pair;
  std::map<int, std::vector<Plain>> table;
  std::int8_t small = 0;
  bool operator==(const Outer&) const = default;
};
struct OneMember {
  std::string only;
  bool operator==(const OneMember&) const = default;
};

TEST(Serialise, AggregatesAndContainersComeBack) {
  const Inner inner{"i", {1, 2, 3}};
  EXPECT_EQ(there_and_back(inner), inner);
  const Outer outer{inner, Inner{"o", {4, 5, 6}}, "text", {"a", "b"}, {{1, {{1, 2}}}, {2, {}}}, -1};
  EXPECT_EQ(there_and_back(outer), outer);
  EXPECT_EQ(there_and_back(std::vector{outer, Outer()}), (std::vector{outer, Outer()}));
  EXPECT_EQ(there_and_back(OneMember{"x"}), OneMember{"x"});
  EXPECT_EQ(there_and_back(std::array{1, 2, 3}), (std::array{1, 2, 3}));
  EXPECT_EQ(there_and_back(std::set<std::string>{"b", "a"}), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(there_and_back(std::multimap<int, int>{{1, 2}, {1, 3}}), (std::multimap<int, int>{{1, 2}, {1, 3}}));
  EXPECT_EQ(there_and_back(std::unordered_map<std::string, int>{{"a", 1}}),
            (std::unordered_map<std::string, int>{{"a", 1}}));
  EXPECT_EQ(there_and_back(std::list<std::string>{"a", "b"}), (std::list<std::string>{"a", "b"}));
  EXPECT_EQ(there_and_back(std::deque<int>{1, 2}), (std::deque<int>{1, 2}));
  EXPECT_EQ(there_and_back(std::wstring(L"wide")), L"wide");
  EXPECT_EQ(there_and_back(std::complex<double>(1, 2)), std::complex<double>(1, 2));
  EXPECT_EQ(there_and_back(std::chrono::milliseconds(7)), std::chrono::milliseconds(7));
}

struct HoldsPointer {
  int* pointer = nullptr;
  int number = 0;
};
struct HoldsDeeply {
  std::string name;
  std::array<HoldsPointer, 2> parts;
};
struct HoldsReference {
  int& number;
};
struct HoldsView {
  std::string_view text;
  int number = 0;
};
class Hidden {
 public:
  explicit Hidden(int* pointer) : pointer_(pointer) {}

 private:
  int* pointer_;
};

}  // namespace
template <>
inline constexpr bool holds_no_addresses<std::minstd_rand> = true;
namespace {

TEST(Serialise, WhatHoldsAddressesIsRefused) {
  static_assert(!Serialisable<std::string_view> && !Serialisable<std::span<int>> && !Serialisable<HoldsPointer>);
  static_assert(!Serialisable<HoldsDeeply> && !Serialisable<HoldsReference> && !Serialisable<HoldsView>);
  static_assert(!Serialisable<std::reference_wrapper<int>> && !Serialisable<std::initializer_list<int>>);
  static_assert(!Serialisable<std::vector<int*>> && !Serialisable<std::optional<HoldsPointer>>);
  static_assert(!Serialisable<std::pair<int, const char*>> && !Serialisable<std::tuple<std::string_view>>);
  static_assert(!Serialisable<std::map<std::string_view, int>> && !Serialisable<Hidden> && !Serialisable<void (*)()>);
  static_assert(!Serialisable<int Plain::*> && !Serialisable<std::function<void()>>);
  static_assert(Serialisable<Plain> && Serialisable<std::chrono::seconds> && Serialisable<std::vector<bool>>);
  // The compiler can't look into this one; its owner can.
  static_assert(Serialisable<std::minstd_rand>);
  EXPECT_EQ(there_and_back(std::minstd_rand(5))(), std::minstd_rand(5)());
}

TEST(Serialise, PointersAreRefused) {
  static_assert(!Serialisable<int*>);
  static_assert(!Serialisable<const char*>);
  static_assert(Serialisable<Plain>);
  static_assert(Serialisable<Named>);
}

TEST(Serialise, MessagesThatAreTooShortAreErrors) {
  ByteWriter writer;
  write_value(writer, std::vector<double>(100, 1.0));
  const auto bytes = writer.take();
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{8}, bytes.size() - 1}) {
    ByteReader reader(std::span<const std::byte>(bytes).first(size));
    std::vector<double> values;
    EXPECT_TRUE(test::error_of([&] { read_value(reader, values); })) << size;
  }
  // A size that no memory has is not asked for.
  ByteWriter nonsense;
  write_value(nonsense, std::uint64_t{1} << 62);
  const auto few = nonsense.take();
  ByteReader reader(few);
  std::vector<std::pair<int, int>> pairs;
  std::vector<int> block;
  EXPECT_TRUE(test::error_of([&] { read_value(reader, block); }));
  ByteReader again(few);
  EXPECT_TRUE(test::error_of([&] { read_value(again, pairs); }));
}

}  // namespace
}  // namespace paceline
