#include "workloads/table/names.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <paceline/error.hpp>

namespace paceline::table {
namespace {

Error bad_list(std::string_view list, std::string_view option, const std::string& why) {
  return {ErrorKind::usage, fmt::format("{} {} makes no sense", option, list), why,
          "separate names by commas, and enclose those with commas, colons or quotes in double quotes"};
}

}  // namespace

std::vector<ListedName> read_names(std::string_view list, std::string_view option,
                                   std::span<const std::string_view> types) {
  std::vector<ListedName> names;
  const auto is_type = [&](std::string_view word) {
    return std::find(types.begin(), types.end(), word) != types.end();
  };
  for (std::size_t at = 0; at <= list.size();) {
    auto& found = names.emplace_back();
    if (at < list.size() && list[at] == '"') {
      for (++at;; ++at) {
        if (at >= list.size()) throw bad_list(list, option, "its quotes are not closed");
        if (list[at] == '"' && (at + 1 >= list.size() || list[at + 1] != '"')) break;
        if (list[at] == '"') ++at;
        found.name += list[at];
      }
      ++at;
      const auto rest = list.substr(at, std::min(list.find(',', at), list.size()) - at);
      if (!rest.empty() && (rest.front() != ':' || !is_type(rest.substr(1)))) {
        throw bad_list(list, option, fmt::format("{} follows a name in quotes", rest));
      }
      if (!rest.empty()) found.type = rest.substr(1);
      at += rest.size() + 1;
    } else {
      auto name = list.substr(at, std::min(list.find(',', at), list.size()) - at);
      at += name.size() + 1;
      if (name.find('"') != std::string_view::npos) throw bad_list(list, option, "a quote stands within a name");
      const auto colon = name.rfind(':');
      if (colon != std::string_view::npos && is_type(name.substr(colon + 1))) {
        found.type = name.substr(colon + 1);
        name = name.substr(0, colon);
      }
      found.name = name;
    }
    if (found.name.empty()) throw bad_list(list, option, "a name is empty");
  }
  return names;
}

std::size_t last_colon(std::string_view text) {
  auto found = std::string_view::npos;
  bool is_inside = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') is_inside = !is_inside;
    if (text[at] == ':' && !is_inside) found = at;
  }
  return found;
}

}  // namespace paceline::table
