// Files that are no CSV in UTF-8, known by how they begin.
#pragma once

#include <string_view>

namespace paceline::table {

struct Foreign {
  const char* why = nullptr;  ///< what it is instead; null: nothing is known against it
  const char* suggestion = "";
};
Foreign foreign_format(std::string_view head);

}  // namespace paceline::table
