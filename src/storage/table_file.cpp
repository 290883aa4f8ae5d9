#include "storage/table_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <paceline/error.hpp>
#include <paceline/serialise.hpp>

#include "storage/child_read.hpp"
#include "storage/output_path.hpp"
#include "storage/table_codec.hpp"

namespace paceline {

template <>
struct Serialiser<TypedColumn> {
  static void write(ByteWriter& to, const TypedColumn& column) {
    write_value(to, std::tuple(column.name, column.type, column.integers, column.numbers, column.texts));
  }
  static void read(ByteReader& from, TypedColumn& column) {
    std::tuple<std::string, CellType, std::vector<std::int64_t>, std::vector<double>, std::vector<std::string>> all;
    read_value(from, all);
    std::tie(column.name, column.type, column.integers, column.numbers, column.texts) = std::move(all);
  }
};

template <>
struct Serialiser<TypedTable> {
  static void write(ByteWriter& to, const TypedTable& table) {
    write_value(to, table.path);
    write_value(to, table.units);
    write_value(to, table.columns);
  }
  static void read(ByteReader& from, TypedTable& table) {
    read_value(from, table.path);
    read_value(from, table.units);
    read_value(from, table.columns);
  }
};

namespace {

namespace fs = std::filesystem;

constexpr const char* if_not_written = "free space or choose another place";

/// A file of our own making: no link that lies in its place is followed, and nobody else's file is written.
void write_new(const fs::path& place, mode_t mode, const std::vector<std::byte>& bytes) {
  unlink(place.c_str());
  const int file = open(place.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (file < 0) throw cannot_write(place, std::strerror(errno), if_not_written);
  int error = 0;
  for (std::size_t at = 0; at < bytes.size() && error == 0;) {
    const auto written = ::write(file, bytes.data() + at, bytes.size() - at);
    if (written >= 0) at += static_cast<std::size_t>(written);
    if (written < 0 && errno != EINTR) error = errno;
  }
  if (close(file) != 0 && error == 0) error = errno;
  if (error != 0) throw cannot_write(place, std::strerror(error), if_not_written);
}

void check_readable(const fs::path& path) {
  std::error_code code;
  const auto cannot_read = [&](const std::string& why) {
    return Error(ErrorKind::input, fmt::format("can't read {}", path.string()), why, "give the name of a study's file");
  };
  const auto status = fs::status(path, code);
  if (!fs::exists(status)) {
    throw cannot_read(code && status.type() == fs::file_type::none ? code.message() : "there is no such file");
  }
  if (fs::is_directory(status)) throw cannot_read("it is a folder");
  if (!fs::is_regular_file(status)) throw cannot_read("it is a device or a pipe");
  if (access(path.c_str(), R_OK) != 0) throw cannot_read(std::strerror(errno));
}

}  // namespace

std::size_t TypedColumn::rows() const {
  if (type == CellType::float64) return numbers.size();
  return type == CellType::text ? texts.size() : integers.size();
}

const TypedColumn* TypedTable::find(const std::string& name) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const TypedColumn& c) { return c.name == name; });
  return found == columns.end() ? nullptr : &*found;
}

const std::vector<std::int64_t>& TypedTable::integers(const std::string& name) const {
  const auto* column = find(name);
  if (column == nullptr || column->integers.size() != rows()) {
    throw Error(ErrorKind::failure, fmt::format("{} has no column {} of integers", path, name));
  }
  return column->integers;
}

const std::vector<double>& TypedTable::numbers(const std::string& name) const {
  const auto* column = find(name);
  if (column == nullptr || column->numbers.size() != rows()) {
    throw Error(ErrorKind::failure, fmt::format("{} has no column {} of numbers", path, name));
  }
  return column->numbers;
}

const std::vector<std::string>& TypedTable::texts(const std::string& name) const {
  const auto* column = find(name);
  if (column == nullptr || column->texts.size() != rows()) {
    throw Error(ErrorKind::failure, fmt::format("{} has no column {} of texts", path, name));
  }
  return column->texts;
}

const NamedTexts* TableFile::group(const std::string& path) const {
  for (const auto& [name, found] : groups) {
    if (name == path) return &found;
  }
  return nullptr;
}

const TypedTable* TableFile::table(const std::string& path) const {
  for (const auto& found : tables) {
    if (found.path == path) return &found;
  }
  return nullptr;
}

const std::string* TableFile::text(const std::string& path) const {
  for (const auto& [name, found] : texts) {
    if (name == path) return &found;
  }
  return nullptr;
}

void write_table_file(const fs::path& path, const std::string& suffix, const TableFile& content) {
  const auto bytes = encoded(content);
  const auto aside = beside(path, suffix);
  struct stat known {};
  const mode_t mode = stat(path.c_str(), &known) == 0 ? known.st_mode & 0777 : 0666;
  try {
    write_new(aside, mode, bytes);
    put_in_place(aside, path);
  } catch (const Error&) {
    unlink(aside.c_str());
    throw;
  }
}

TableFile read_table_file(const fs::path& path, const std::vector<std::string>& groups) {
  check_readable(path);
  const auto read = read_in_child([&] {
    const auto content = decoded(path, groups);
    ByteWriter to;
    write_value(to, std::tuple(content.attributes, content.groups, content.texts, content.names));
    write_value(to, content.tables);
    const auto written = to.take();
    return std::vector<std::byte>(written.begin(), written.end());
  });
  TableFile content;
  ByteReader from(read);
  std::tuple<NamedTexts, std::vector<std::pair<std::string, NamedTexts>>, NamedTexts, std::vector<std::string>> all;
  read_value(from, all);
  std::tie(content.attributes, content.groups, content.texts, content.names) = std::move(all);
  read_value(from, content.tables);
  return content;
}

}  // namespace paceline
