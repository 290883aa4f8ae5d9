// The file of a study: the samples as they are taken, what they are of, and the fit.
//
// Each change writes a new file beside the old one and renames it, so whoever opens the file, at whatever moment its
// writer was killed, finds it whole with every sample but, at the most, the last.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "study/sample.hpp"

namespace paceline {

/// A study's file that grows. No MPI; one process at a time adds samples, while others may read and fit.
class StudyFile {
 public:
  /// Makes a file without samples; one that is there is replaced. Throws Error (output).
  static StudyFile create(const std::filesystem::path& path, const StudyInfo& info) {
    return create(path, Study{info, {}, {}, {}});
  }
  /// The same with the samples of a study that is there already.
  static StudyFile create(const std::filesystem::path& path, Study study);
  /// Goes on with the file of an interrupted study. Throws Error (input) as read_study() does.
  static StudyFile open(const std::filesystem::path& path);

  /// Adds a row to /study/samples and brings it to the disk. Throws Error (output); what was there before is kept.
  /// A fit that lies in the file is dropped: it is of fewer samples.
  void append(const Sample& sample);
  /// Adds a row to /study/left_out. Throws Error (output).
  void leave_out(const Layout& layout, const std::string& reason);

  /// Puts other samples in place of all. Throws Error (output).
  void set_samples(std::vector<Sample> samples);
  /// Puts a table of /study in place of the one with its path. Throws Error (output).
  void set_table(TypedTable table);
  /// Sets an attribute of /study. Throws Error (output).
  void set_fact(const std::string& name, const std::string& value);

  /// All that the file holds.
  [[nodiscard]] const Study& study() const { return study_; }

 private:
  StudyFile(std::filesystem::path path, Study study) : path_(std::move(path)), study_(std::move(study)) {}
  void save();

  std::filesystem::path path_;
  Study study_;
};

/// Throws Error (input) for a file that is missing, unreadable, damaged or no study.
Study read_study(const std::filesystem::path& path);

/// The file looks like a study, whole or not: it holds /study. False for what can't be read at all, without an error.
bool is_study(const std::filesystem::path& path);

/// Stores a fit as the text dataset /fit/json, in place of an earlier one; a reader finds the old one or the new one.
/// Throws Error: input for a file that is no study, output when it can't be written.
void write_fit(const std::filesystem::path& path, const std::string& json);
/// The text that write_fit() stored; empty when there is none. Throws Error (input).
std::string read_fit(const std::filesystem::path& path);

}  // namespace paceline
