// Types with a cereal serialize() function as arguments and results of tasks: include this before they are used, with
// cereal's header of each standard container that is wanted (<cereal/types/map.hpp> ...). Needs libcereal-dev; nothing
// else of Paceline does. cereal because it is header only, kept, in Debian, and serialises a type from one function.
#pragma once

#include <cereal/cereal.hpp>

#include <paceline/serialise.hpp>

namespace paceline {

/// A cereal archive onto a ByteWriter: bytes as they lie in memory, like cereal's own binary archive without the
/// stream.
class CerealOutput : public cereal::OutputArchive<CerealOutput, cereal::AllowEmptyClassElision> {
 public:
  explicit CerealOutput(ByteWriter& writer) : OutputArchive(this), writer_(writer) {}
  void save_binary(const void* data, std::size_t size) { writer_.write(data, size); }

 private:
  ByteWriter& writer_;
};

class CerealInput : public cereal::InputArchive<CerealInput, cereal::AllowEmptyClassElision> {
 public:
  explicit CerealInput(ByteReader& reader) : InputArchive(this), reader_(reader) {}
  void load_binary(void* data, std::size_t size) { reader_.read(data, size); }

 private:
  ByteReader& reader_;
};

// What cereal wants to be told of a binary archive.
template <class T>
std::enable_if_t<std::is_arithmetic_v<T>> CEREAL_SAVE_FUNCTION_NAME(CerealOutput& archive, const T& value) {
  archive.save_binary(std::addressof(value), sizeof value);
}
template <class T>
std::enable_if_t<std::is_arithmetic_v<T>> CEREAL_LOAD_FUNCTION_NAME(CerealInput& archive, T& value) {
  archive.load_binary(std::addressof(value), sizeof value);
}
template <class T>
void CEREAL_SAVE_FUNCTION_NAME(CerealOutput& archive, const cereal::BinaryData<T>& data) {
  archive.save_binary(data.data, static_cast<std::size_t>(data.size));
}
template <class T>
void CEREAL_LOAD_FUNCTION_NAME(CerealInput& archive, cereal::BinaryData<T>& data) {
  archive.load_binary(data.data, static_cast<std::size_t>(data.size));
}
template <class Archive, class T>
requires(std::is_same_v<Archive, CerealOutput> ||
         std::is_same_v<Archive, CerealInput>) void CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive,
                                                                                   cereal::NameValuePair<T>& pair) {
  archive(pair.value);
}
template <class Archive, class T>
requires(std::is_same_v<Archive, CerealOutput> ||
         std::is_same_v<Archive, CerealInput>) void CEREAL_SERIALIZE_FUNCTION_NAME(Archive& archive,
                                                                                   cereal::SizeTag<T>& size) {
  archive(size.size);
}

template <class T>
struct Serialiser<T, std::enable_if_t<!detail::is_known<T> && !std::is_pointer_v<T> &&
                                      cereal::traits::is_output_serializable<T, CerealOutput>::value &&
                                      cereal::traits::is_input_serializable<T, CerealInput>::value>> {
  static void write(ByteWriter& writer, const T& value) {
    CerealOutput archive(writer);
    archive(value);
  }
  static void read(ByteReader& reader, T& value) {
    CerealInput archive(reader);
    archive(value);
  }
};

}  // namespace paceline

CEREAL_REGISTER_ARCHIVE(paceline::CerealOutput)
CEREAL_REGISTER_ARCHIVE(paceline::CerealInput)
CEREAL_SETUP_ARCHIVE_TRAITS(paceline::CerealInput, paceline::CerealOutput)
