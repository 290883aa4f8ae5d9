#include "study/profile/process_record.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include <paceline/error.hpp>

namespace paceline {

std::vector<int> cpu_numbers(std::string_view list) {
  std::vector<int> numbers;
  const char* at = list.data();
  const char* const end = at + list.size();
  while (at < end) {
    int first = 0;
    auto read = std::from_chars(at, end, first);
    if (read.ec != std::errc()) break;
    int last = first;
    if (read.ptr < end && *read.ptr == '-') read = std::from_chars(read.ptr + 1, end, last);
    for (int number = first; number <= last; ++number) numbers.push_back(number);
    at = read.ptr < end ? read.ptr + 1 : end;
  }
  return numbers;
}

ProcessRecord process_record(const std::string& text) {
  try {
    const auto json = nlohmann::json::parse(text);
    const auto seconds = [](const nlohmann::json& object, const char* name) {
      return object.at(name).get<double>() * 1e-9;
    };
    ProcessRecord record;
    json.at("host").get_to(record.host);
    json.at("program").get_to(record.program);
    json.at("rank").get_to(record.rank);
    json.at("ranks").get_to(record.ranks);
    json.at("mpi").get_to(record.uses_mpi);
    json.at("openmp").get_to(record.uses_openmp);
    json.at("finalized").get_to(record.is_finalized);
    json.at("threads").get_to(record.threads);
    record.elapsed_s = seconds(json, "elapsed_ns");
    record.useful_s = seconds(json, "useful_ns");
    record.mpi_s = seconds(json, "mpi_ns");
    record.mpi_serial_s = seconds(json, "mpi_serial_ns");
    record.imbalance_s = seconds(json, "imbalance_ns");
    record.scheduling_s = seconds(json, "scheduling_ns");
    record.cpu_s = seconds(json, "cpu_ns");
    json.at("max_rss_bytes").get_to(record.max_rss_bytes);
    record.cpus = cpu_numbers(json.at("cpus").get<std::string>());
    for (std::size_t i = 0; i < call_classes.size(); ++i) {
      const auto& calls = json.at("calls").at(std::string(call_classes[i]));
      record.calls[i] = {calls.at("calls").get<std::int64_t>(), calls.at("bytes").get<std::int64_t>(),
                         seconds(calls, "ns")};
    }
    json.at("unseen").get_to(record.unseen);
    return record;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::failure, "a file of the probe can't be read", error.what(), "profile the program again");
  }
}

std::vector<ProcessRecord> read_records(const std::filesystem::path& folder) {
  std::vector<ProcessRecord> records;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    std::ifstream file(entry.path());
    records.push_back(process_record({std::istreambuf_iterator<char>(file), {}}));
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const ProcessRecord& a, const ProcessRecord& b) { return a.rank < b.rank; });
  return records;
}

}  // namespace paceline
