// Lists of names on the command line.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paceline::table {

struct ListedName {
  std::string name;
  std::string type;  ///< empty: none is given

  bool operator==(const ListedName&) const = default;
};

/// "a,b:text,\"x,y\":int64": names between commas, in double quotes where they hold commas, colons or quotes (which are
/// doubled); one of `types` may follow behind a colon. Throws Error (usage) that names `option`.
std::vector<ListedName> read_names(std::string_view list, std::string_view option,
                                   std::span<const std::string_view> types);

/// The last colon outside of double quotes; npos: there is none.
std::size_t last_colon(std::string_view text);

}  // namespace paceline::table
