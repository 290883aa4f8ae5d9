// Parts of one study that were measured apart, for example by a batch job a number of nodes, in one file.
#pragma once

#include <filesystem>
#include <vector>

#include <paceline/error.hpp>

#include "host/exit_code.hpp"
#include "study/sample.hpp"

namespace paceline {

struct MergeOptions {
  std::vector<std::filesystem::path> parts;
  std::filesystem::path output;
  bool force = false;
};

/// One study of all samples in the order in which they were started. What was measured together stays a block by
/// itself: blocks of a later part are numbered on. Facts that differ between the parts are all kept. `names`: of the
/// parts, for messages. Throws Error (input) for parts of different commands, launchers, modes or CPUs, and for
/// parts that hold the same run.
Study merged(const std::vector<Study>& parts, const std::vector<std::filesystem::path>& names);

/// Reads the parts and writes the whole. Throws Error: usage when the whole is one of the parts, input for a part that
/// is no study or of another one, output when the file can't be written, check when digests differ between the parts,
/// which are merged all the same.
ExitCode merge(const MergeOptions& options);

}  // namespace paceline
