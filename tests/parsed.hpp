// Workloads as the command line makes them.
#pragma once

#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/parse.hpp"

namespace paceline::test {

/// The command of these words.
inline Command parsed(std::vector<std::string> words) {
  words.insert(words.begin(), "/usr/bin/paceline");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  return parse(static_cast<int>(words.size()), argv.data());
}

/// The workload `name`, prepared, with the options of a line in which spaces part the words.
template <class T>
std::unique_ptr<T> workload_of(const std::string& name, const std::string& line) {
  std::vector<std::string> words = {name};
  std::istringstream rest(line);
  for (std::string word; rest >> word;) words.push_back(word);
  auto command = parsed(words);
  auto* workload = dynamic_cast<T*>(command.run.workload.get());
  if (workload == nullptr) throw std::runtime_error(name + " is another workload");
  (void)command.run.workload.release();
  return std::unique_ptr<T>(workload);
}

}  // namespace paceline::test
