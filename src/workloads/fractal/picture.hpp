// The image as a PNG: colours by how common a count is, so that any zoom shows its structure; the interior is black.
#pragma once

#include <cstdint>
#include <filesystem>

#include "workloads/fractal/colormaps.hpp"
#include "workloads/workload.hpp"

namespace paceline::fractal {

/// Pictures with more pixels a side are averaged down, in linear light, by a whole number.
constexpr std::int64_t largest_picture_side = 8192;

/// Row i of the picture is row i of the data (or of its averaged groups). Reads the result twice, in pieces of at most
/// a quarter of `memory_limit` bytes. Throws Error (output); what was at `path` stays until the picture is complete.
void write_png(const std::filesystem::path& path, const ResultShape& shape, const ReadItems& read,
               const Colormap& colours, std::int64_t memory_limit);

}  // namespace paceline::fractal
