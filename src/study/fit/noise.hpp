// Steps of study_times(): blocks, outliers, centres, noise, drift. Each fills in what its name says.
#pragma once

#include "study/fit/times.hpp"

namespace paceline {

/// Looks for effects of blocks, and takes them out of the runs' deviations if they are larger than noise explains.
void find_blocks(Times& times);
/// Weights, centres and the list of outliers.
void find_centres(Times& times);
/// Each layout's noise, its degrees of freedom, and the residuals.
void find_noise(Times& times);
/// The trend of deviations with the place of a run in the study.
Drift drift_of(const Times& times, const Study& study);

}  // namespace paceline
