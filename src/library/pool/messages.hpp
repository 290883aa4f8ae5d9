// What ranks of a pool tell each other: groups on their way to a rank, and what became of them on their way back.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <paceline/pool_queue.hpp>
#include <paceline/serialise.hpp>

#include "library/comm/message_queue.hpp"

namespace paceline::detail {

enum class Kind : int {
  tasks,      ///< to a rank: groups to run
  outcomes,   ///< from it: what became of them
  recall,     ///< to it: give back what is not begun
  returned,   ///< from it: groups that go back
  terminate,  ///< to it: give this group up
  sign,       ///< either way: a sign of life
  stop,       ///< to it: cancel what is not begun, end what is, and take leave
  leave,      ///< from it: its last message
  farewell,   ///< to it: the answer, and the last one
};

/// Messages of one kind while they are filled. What is small goes together; large bytes are a message of their own, as
/// they are.
class Batch {
 public:
  /// `write` writes all but the bytes.
  template <class Write>
  void add(const Write& write, Bytes bytes) {
    if (bytes.size() < large) {
      write(small_);
      write_value(small_, false);
      write_value(small_, bytes);
      return;
    }
    close();
    write(small_);
    write_value(small_, true);
    done_.emplace_back(small_.take(), std::move(bytes));
  }
  [[nodiscard]] bool is_empty() const { return small_.size() == 0 && done_.empty(); }
  void send(MessageQueue& messages, int to, Kind kind) {
    close();
    for (auto& [head, body] : done_) messages.send(to, static_cast<int>(kind), std::move(head), std::move(body));
    done_.clear();
  }

 private:
  static constexpr std::size_t large = std::size_t{64} << 10;
  void close() {
    if (small_.size() > 0) done_.emplace_back(small_.take(), Bytes());
  }

  ByteWriter small_;
  std::vector<std::pair<Bytes, Bytes>> done_;
};

/// Bytes that were given to Batch::add().
inline Bytes read_bytes(ByteReader& reader, Message& message) {
  bool is_large = false;
  read_value(reader, is_large);
  if (is_large) return std::move(message.body);
  Bytes bytes;
  read_value(reader, bytes);
  return bytes;
}

inline void add_group(Batch& batch, Group group) {
  batch.add(
      [&](ByteWriter& writer) {
        write_value(writer, group.id);
        write_value(writer, group.function);
        write_value(writer, group.first);
        write_value(writer, group.count);
        write_value(writer, group.rank);
        write_value(writer, group.held);
      },
      std::move(group.arguments));
}

inline Group read_group(ByteReader& reader, Message& message) {
  Group group;
  read_value(reader, group.id);
  read_value(reader, group.function);
  read_value(reader, group.first);
  read_value(reader, group.count);
  read_value(reader, group.rank);
  read_value(reader, group.held);
  group.arguments = read_bytes(reader, message);
  return group;
}

struct Report {
  std::uint64_t group = 0;
  Outcome outcome;
};

inline void add_report(Batch& batch, Report report) {
  auto& outcome = report.outcome;
  batch.add(
      [&](ByteWriter& writer) {
        write_value(writer, report.group);
        write_value(writer, outcome.first);
        write_value(writer, outcome.count);
        write_value(writer, outcome.seconds);
        write_value(writer, outcome.failures);
      },
      std::move(outcome.results));
}

/// The rank and its host are known from who sent it.
inline Report read_report(ByteReader& reader, Message& message) {
  Report report;
  auto& outcome = report.outcome;
  read_value(reader, report.group);
  read_value(reader, outcome.first);
  read_value(reader, outcome.count);
  read_value(reader, outcome.seconds);
  read_value(reader, outcome.failures);
  outcome.results = read_bytes(reader, message);
  return report;
}

}  // namespace paceline::detail
