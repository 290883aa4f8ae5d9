#include "host/links.hpp"

#include <fmt/format.h>

#include <paceline/error.hpp>

namespace paceline {

std::filesystem::path behind_links(const std::filesystem::path& file) {
  // Linux follows as many.
  constexpr int most_links = 40;
  auto path = file;
  for (int k = 0; k <= most_links; ++k) {
    std::error_code code;
    const auto target = std::filesystem::read_symlink(path, code);
    if (code) return path;               // no link, or none that can be read: who opens it says why
    path = path.parent_path() / target;  // an absolute target stands for itself
  }
  throw Error(ErrorKind::output, fmt::format("can't write {}", file.string()), "its symbolic links lead in a circle",
              "remove them or choose another place");
}

}  // namespace paceline
