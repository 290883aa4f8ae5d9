// What is in a message: groups on their way to a rank, and what became of them on their way back.
#pragma once

#include <cstdint>
#include <vector>

#include <paceline/pool_queue.hpp>
#include <paceline/serialise.hpp>

namespace paceline::detail {

inline void write_group(Writer& writer, const Group& group) {
  write_value(writer, group.id);
  write_value(writer, group.function);
  write_value(writer, group.first);
  write_value(writer, group.count);
  write_value(writer, group.arguments);
}

inline Group read_group(Reader& reader) {
  Group group;
  read_value(reader, group.id);
  read_value(reader, group.function);
  read_value(reader, group.first);
  read_value(reader, group.count);
  read_value(reader, group.arguments);
  return group;
}

struct Report {
  std::uint64_t group = 0;
  Outcome outcome;
};

inline void write_report(Writer& writer, const Report& report) {
  const auto& outcome = report.outcome;
  write_value(writer, report.group);
  write_value(writer, outcome.first);
  write_value(writer, outcome.count);
  write_value(writer, outcome.results);
  write_value(writer, outcome.seconds);
  write_value(writer, std::uint64_t{outcome.failures.size()});
  for (const auto& failure : outcome.failures) {
    write_value(writer, failure.task);
    write_value(writer, failure.failure);
    write_value(writer, failure.message);
  }
}

/// The rank and its host are known from who sent it.
inline Report read_report(Reader& reader) {
  Report report;
  auto& outcome = report.outcome;
  read_value(reader, report.group);
  read_value(reader, outcome.first);
  read_value(reader, outcome.count);
  read_value(reader, outcome.results);
  read_value(reader, outcome.seconds);
  std::uint64_t failures = 0;
  read_value(reader, failures);
  for (std::uint64_t i = 0; i < failures; ++i) {
    auto& failure = outcome.failures.emplace_back();
    read_value(reader, failure.task);
    read_value(reader, failure.failure);
    read_value(reader, failure.message);
  }
  return report;
}

}  // namespace paceline::detail
