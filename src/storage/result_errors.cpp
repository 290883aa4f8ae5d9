#include "storage/result_errors.hpp"

#include <fmt/format.h>

#include "storage/output_path.hpp"

namespace paceline {

Error cannot_write_result(const std::filesystem::path& path, const Error& cause) {
  // MPI-IO keeps the system's reason to itself; the usual one can be seen.
  return cannot_write(path, cause.what(),
                      path.extension() == ".part"
                          ? "free space or choose another place; what is finished is kept, go on with --resume"
                          : "free space or choose another place");
}

Error damaged_result(const std::filesystem::path& path, const std::string& why) {
  return {ErrorKind::input, fmt::format("{} is damaged or not a result of paceline", path.string()), why,
          "start again with --force"};
}

}  // namespace paceline
