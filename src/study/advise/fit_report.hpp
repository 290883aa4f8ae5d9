// The report of `paceline fit`: for people, or one JSON object.
#pragma once

#include <string>

#include "study/advise/analysis.hpp"

namespace paceline {

/// `name`: of the study's file.
std::string text_report(const Analysis& analysis, const Study& study, const std::string& name);
std::string json_report(const Analysis& analysis, const Study& study);

}  // namespace paceline
