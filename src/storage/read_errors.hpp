// What users are told of an input that can't be read.
#pragma once

#include <string>

#include <paceline/error.hpp>

namespace paceline {

/// Of kind input. `place`: a file, or what it is that lies in one.
inline Error cannot_read(const std::string& place, const std::string& why, const std::string& suggestion) {
  return {ErrorKind::input, "can't read " + place, why, suggestion};
}

}  // namespace paceline
