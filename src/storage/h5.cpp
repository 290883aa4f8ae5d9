#include "storage/h5.hpp"

#include <fmt/format.h>

#include <algorithm>

#include <paceline/error.hpp>

namespace paceline::h5 {
namespace {

/// Keeps the innermost description of the error stack.
herr_t keep_innermost(unsigned n, const H5E_error2_t* entry, void* text) {
  if (n == 0 && entry->desc != nullptr) *static_cast<std::string*>(text) = entry->desc;
  return 0;
}

}  // namespace

Handle::Handle(hid_t id, Close closer, const char* call) : id_(id), close_(closer) { check(id < 0 ? -1 : 0, call); }

void Handle::close(const char* call) {
  if (id_ >= 0) check(close_(std::exchange(id_, -1)), call);
}

std::string reason() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_innermost, &text);
  // "file write failed: time = …, errno = 28, error message = 'No space left on device', …": only the last is news.
  constexpr std::string_view mark = "error message = '";
  if (const auto at = text.find(mark); at != std::string::npos) {
    const auto begin = at + mark.size();
    text = text.substr(begin, text.find('\'', begin) - begin);
  }
  return text;
}

void check(herr_t code, const char* call) {
  if (code < 0) throw Error(ErrorKind::failure, fmt::format("{} failed", call), reason());
}

void be_quiet() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

Handle stored_type(ElementType type, std::int64_t width) {
  if (type == ElementType::text) return text_type(static_cast<std::size_t>(width));
  const auto copy = [](hid_t known) { return Handle(H5Tcopy(known), H5Tclose, "H5Tcopy"); };
  switch (type) {
    case ElementType::uint8: return copy(H5T_STD_U8LE);
    case ElementType::uint16: return copy(H5T_STD_U16LE);
    case ElementType::uint32: return copy(H5T_STD_U32LE);
    case ElementType::uint64: return copy(H5T_STD_U64LE);
    case ElementType::int64: return copy(H5T_STD_I64LE);
    default: return copy(H5T_IEEE_F64LE);
  }
}

Handle native_type(ElementType type, std::int64_t width) {
  if (type == ElementType::text) return text_type(static_cast<std::size_t>(width));
  const auto copy = [](hid_t known) { return Handle(H5Tcopy(known), H5Tclose, "H5Tcopy"); };
  switch (type) {
    case ElementType::uint8: return copy(H5T_NATIVE_UINT8);
    case ElementType::uint16: return copy(H5T_NATIVE_UINT16);
    case ElementType::uint32: return copy(H5T_NATIVE_UINT32);
    case ElementType::uint64: return copy(H5T_NATIVE_UINT64);
    case ElementType::int64: return copy(H5T_NATIVE_INT64);
    default: return copy(H5T_NATIVE_DOUBLE);
  }
}

Handle text_type(std::size_t size) {
  Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "H5Tcopy");
  check(H5Tset_size(type.get(), std::max(std::size_t{1}, size)), "H5Tset_size");
  if (size != H5T_VARIABLE) check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), "H5Tset_strpad");
  check(H5Tset_cset(type.get(), H5T_CSET_UTF8), "H5Tset_cset");
  return type;
}

Handle simple_space(const std::vector<hsize_t>& dims) {
  return {H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), H5Sclose, "H5Screate_simple"};
}

Handle open_dataset(hid_t file, const std::string& path) {
  return {H5Dopen2(file, path.c_str(), H5P_DEFAULT), H5Dclose, "H5Dopen"};
}

Handle properties(hid_t kind) { return {H5Pcreate(kind), H5Pclose, "H5Pcreate"}; }

void set_attribute(hid_t object, const std::string& name, const AttributeValue& value) {
  const Handle space(H5Screate(H5S_SCALAR), H5Sclose, "H5Screate");
  const auto put = [&](hid_t stored, hid_t native, const void* data) {
    if (H5Aexists(object, name.c_str()) > 0) check(H5Adelete(object, name.c_str()), "H5Adelete");
    const Handle attribute(H5Acreate2(object, name.c_str(), stored, space.get(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose,
                           "H5Acreate");
    check(H5Awrite(attribute.get(), native, data), "H5Awrite");
  };
  if (const auto* text = std::get_if<std::string>(&value)) {
    const auto type = text_type(text->size());
    // c_str() has a byte even where the text has none.
    put(type.get(), type.get(), text->c_str());
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    put(H5T_STD_I64LE, H5T_NATIVE_INT64, integer);
  } else if (const auto* natural = std::get_if<std::uint64_t>(&value)) {
    put(H5T_STD_U64LE, H5T_NATIVE_UINT64, natural);
  } else {
    put(H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, &std::get<double>(value));
  }
}

AttributeValue get_attribute(hid_t object, const std::string& name, const AttributeValue& like) {
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT), H5Aclose, "H5Aopen");
  if (std::holds_alternative<std::string>(like)) {
    const Handle stored(H5Aget_type(attribute.get()), H5Tclose, "H5Aget_type");
    const bool is_fixed = H5Tget_class(stored.get()) == H5T_STRING && H5Tis_variable_str(stored.get()) == 0;
    if (!is_fixed) throw Error(ErrorKind::failure, fmt::format("attribute {} is not a fixed-length text", name));
    std::string text(H5Tget_size(stored.get()), '\0');
    check(H5Aread(attribute.get(), text_type(text.size()).get(), text.data()), "H5Aread");
    return std::string(text.c_str());
  }
  if (std::holds_alternative<std::int64_t>(like)) {
    std::int64_t integer = 0;
    check(H5Aread(attribute.get(), H5T_NATIVE_INT64, &integer), "H5Aread");
    return integer;
  }
  if (std::holds_alternative<std::uint64_t>(like)) {
    std::uint64_t natural = 0;
    check(H5Aread(attribute.get(), H5T_NATIVE_UINT64, &natural), "H5Aread");
    return natural;
  }
  double number = 0;
  check(H5Aread(attribute.get(), H5T_NATIVE_DOUBLE, &number), "H5Aread");
  return number;
}

}  // namespace paceline::h5
