// `paceline import`: makes a study of times that exist.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <paceline/error.hpp>

#include "host/exit_code.hpp"
#include "study/import/times.hpp"
#include "study/sample.hpp"

namespace paceline {

struct ImportOptions {
  std::vector<std::filesystem::path> files;
  std::filesystem::path output;
  ImportWishes wishes;
  ScalingMode mode = ScalingMode::strong;
  bool force = false;
};

/// The times of one file's text, whatever its format is. Throws Error (input) for one that is not known.
ImportedTimes import_text(const std::string& text, const std::string& name, const ImportWishes& wishes);

/// A study of the files' times, whose binding is a matter of trust.
Study imported_study(const std::vector<ImportedTimes>& files, const ImportOptions& options);

/// Reads the files and writes the study. Throws Error: input for a bad file, output when it can't be written.
ExitCode import_times(const ImportOptions& options);

}  // namespace paceline
