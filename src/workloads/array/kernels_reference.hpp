// The operations by their definition, an element at a time; what --verify and the tests compare with.
#pragma once

#include <span>

namespace paceline::array {

void multiply_reference(std::span<const double> x, std::span<const double> y, std::span<double> z);
void add_reference(std::span<const double> x, std::span<const double> y, std::span<double> z);
void triad_reference(std::span<const double> x, std::span<const double> y, std::span<double> z);
void sum_reference(std::span<const double> x, std::span<const double> y, std::span<double> out);
void dot_reference(std::span<const double> x, std::span<const double> y, std::span<double> out);

}  // namespace paceline::array
