// Other files that an HDF5 file refers to: external links, raw storage, the sources of virtual datasets.
#pragma once

#include <hdf5.h>

#include <filesystem>
#include <string>

#include "storage/h5.hpp"

namespace paceline::h5 {

/// Whether what leads out of a file is followed.
enum class External { refused, followed };

/// Looks at each external link before HDF5 follows it. Must outlive what is opened with its property list.
class LinkGuard {
 public:
  LinkGuard(std::filesystem::path file, External external);
  /// Sets the guard on a list of the class link access or dataset access.
  void watch(hid_t list);
  /// After a name could not be opened: the link that is to blame, or empty.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }
  [[nodiscard]] const std::string& suggestion() const { return suggestion_; }

 private:
  static herr_t look(const char* file, const char* group, const char* target, const char* object, unsigned* flags,
                     hid_t list, void* self);
  herr_t look_at(const std::filesystem::path& parent, const std::string& target, const std::string& object);

  std::filesystem::path file_;
  External external_;
  std::string trouble_, suggestion_;
};

/// Throws Error (input), starting with `place`, unless everything that the dataset takes from other files is there and
/// may be followed: HDF5 itself reads what is missing as fill values. `file` is where the dataset lies.
void check_external_files(hid_t dataset, const std::filesystem::path& file, External external,
                          const std::string& place);

}  // namespace paceline::h5
