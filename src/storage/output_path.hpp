// May the output be written? Asked once, on rank 0, before anything is computed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <paceline/error.hpp>

namespace paceline {

enum class Existing { refuse, overwrite, resume };

enum class Start {
  fresh,    ///< nothing is there, or it is to be overwritten
  resume,   ///< an interrupted run lies at FILE.part
  complete  ///< FILE is there and --resume was asked: nothing is left to do, unless items of it failed
};

/// FILE with a suffix. Where FILE is a link, what it points to: that is what is written. Throws Error (output).
std::filesystem::path beside(const std::filesystem::path& file, const std::string& suffix);
/// FILE.part: where a result lies until it is complete.
std::filesystem::path part_of(const std::filesystem::path& file);

/// Looks at `file` and its part, the folder, its free space and the process's file-size limit; changes nothing.
/// `bytes`: what the file will need. `has_items`: whether a part that is there has anything that would be lost; one
/// that has not is as good as none. Throws Error (output).
Start check_output(
    const std::filesystem::path& file, Existing existing, std::int64_t bytes,
    const std::function<bool()>& has_items = [] { return true; });
/// The same of a file that is drawn from the result: it is written anew or not at all.
void check_drawn(const std::filesystem::path& file, Existing existing);

/// Throws Error (output) when `bytes` are more than is free where `file` lies, or than a file may have.
void check_space(const std::filesystem::path& file, std::int64_t bytes);

/// Brings what lies at `aside`, in the same folder, to the disk and gives it its final name: whoever opens `file` finds
/// the old one or the new one. Throws Error (output).
void put_in_place(const std::filesystem::path& aside, const std::filesystem::path& file);

/// What users are told of a file that can't be written: `why`, or that the device is full where that can be seen.
Error cannot_write(const std::filesystem::path& file, const std::string& why, const std::string& suggestion);

/// "12.0 MB"
std::string human_bytes(double bytes);

}  // namespace paceline
