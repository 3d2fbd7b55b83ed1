// The model file: bytes in, checked model out. The layout is that of pyvm/weights/model_file.py:
// six int32, the vocabulary, float64 arrays, then optional trailers in a fixed order. Nothing is
// allocated before the file is known to be large enough to fill it.
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include "base/crc32.hpp"
#include "base/error.hpp"
#include "base/utf8.hpp"
#include "model/model.hpp"

namespace tvm {
namespace {

constexpr std::uint32_t kTrailerVersion = 1;
// The mark of a file that has all its trailers: the weight of token 0 here is -0.0. Nothing reads a zero's
// sign, and the embedding leaves this slot at zero. (pyvm/weights/model_file.py writes it.)
constexpr std::size_t kMarkSlot = kPositionSquared;
// Far beyond any use, small enough that sums of sizes and indices fit everywhere.
constexpr std::int32_t kMaxSize = 1 << 24;

class ByteReader {
 public:
  ByteReader(std::span<const unsigned char> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::size_t offset() const { return offset_; }
  std::size_t left() const { return bytes_.size() - offset_; }
  bool at_end() const { return left() == 0; }

  [[noreturn]] void fail(const std::string& why) const {
    throw Error(Status::kModel, sentence(name_, ": ", why));
  }

  std::span<const unsigned char> take(std::uint64_t count, const std::string& what) {
    if (count > left())
      fail(sentence("the file ends inside ", what, ": ", count, " bytes are needed at offset ", offset_, ", ",
                    left(), " are left"));
    const auto taken = bytes_.subspan(offset_, static_cast<std::size_t>(count));
    offset_ += static_cast<std::size_t>(count);
    return taken;
  }

  // Little endian, whatever the machine.
  template <class Integer>
  Integer integer(const std::string& what) {
    const auto raw = take(sizeof(Integer), what);
    std::uint64_t value = 0;
    for (std::size_t k = 0; k < sizeof(Integer); ++k) value |= std::uint64_t{raw[k]} << (8 * k);
    return static_cast<Integer>(value);
  }

  // Written to `to`, behind which it goes on.
  Matrix matrix(std::uint64_t rows, std::uint64_t columns, const std::string& what, double*& to) {
    // Both factors are below 2^26, so the product cannot overflow.
    const std::size_t start = offset_;
    const auto raw = take(rows * columns * sizeof(double), what);
    const std::span<double> out(std::exchange(to, to + rows * columns), rows * columns);
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::uint64_t bits = 0;
      for (std::size_t k = 0; k < 8; ++k) bits |= std::uint64_t{raw[8 * i + k]} << (8 * k);
      std::memcpy(&out[i], &bits, 8);
      if (!std::isfinite(out[i]))
        fail(sentence(what, ": the weight at row ", i / columns, ", column ", i % columns, " (offset ",
                      start + 8 * i, ") is not finite"));
    }
    return out;
  }

  std::vector<std::int32_t> integers(std::uint64_t count, const std::string& what) {
    const auto raw = take(count * 4, what);
    std::vector<std::int32_t> out(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < out.size(); ++i) {
      std::uint32_t value = 0;
      for (std::size_t k = 0; k < 4; ++k) value |= std::uint32_t{raw[4 * i + k]} << (8 * k);
      out[i] = static_cast<std::int32_t>(value);
    }
    return out;
  }

  // A trailer's flag: false also when the file has ended.
  bool flag(const std::string& what) {
    if (at_end()) return false;
    const std::size_t start = offset_;
    const auto value = integer<std::int32_t>("the flag of " + what);
    if (value != 0 && value != 1)
      fail(sentence("the flag of ", what, " at offset ", start, " is ", value, ", neither 0 nor 1"));
    return value == 1;
  }

  std::span<const unsigned char> before(std::size_t offset) const { return bytes_.first(offset); }

 private:
  std::span<const unsigned char> bytes_;
  const std::string& name_;
  std::size_t offset_ = 0;
};

void read_header(ByteReader& reader, Model& model, std::int32_t& layers) {
  const auto size = [&](const char* what, std::int32_t least) {
    const auto value = reader.integer<std::int32_t>(sentence("the header (", what, ")"));
    if (value < least || value > kMaxSize)
      reader.fail(sentence("the header's ", what, " is ", value, "; a model has ", least, " to ", kMaxSize));
    return value;
  };
  model.vocabulary = size("vocabulary size V", 1);
  model.width = size("width D", 4);
  layers = size("number of layers L", 1);
  model.heads = size("number of heads H", 1);
  model.neurons = size("number of neurons F", 0);
  model.stop = size("stop token", 0);
  if (model.heads * 2 != model.width)
    reader.fail(sentence("the header says H = ", model.heads, " heads at width D = ", model.width,
                         "; heads have width 2, so H must be D / 2"));
  if (model.stop >= model.vocabulary)
    reader.fail(sentence("the stop token ", model.stop, " is outside the vocabulary of ", model.vocabulary));
}

void read_vocabulary(ByteReader& reader, Model& model) {
  std::unordered_set<std::string> seen;
  for (std::int32_t id = 0; id < model.vocabulary; ++id) {
    const std::string what = sentence("the vocabulary (token ", id, ")");
    const auto length = reader.integer<std::uint32_t>(what);
    const auto raw = reader.take(length, what);
    const std::string_view word(reinterpret_cast<const char*>(raw.data()), raw.size());
    const auto refuse = [&](const char* why) {
      reader.fail(
          sentence("token ", id, " of the vocabulary (offset ", reader.offset() - raw.size(), ") ", why));
    };
    if (word.empty()) refuse("is empty");
    if (word.find('\0') != word.npos) refuse("contains a zero byte");
    if (!is_utf8(word)) refuse("is not UTF-8");
    if (!seen.emplace(word).second) refuse("appears twice");
    model.tokens.emplace_back(word);
  }
}

void read_weights(ByteReader& reader, Model& model, std::int32_t layers) {
  const std::uint64_t v = static_cast<std::uint64_t>(model.vocabulary);
  const std::uint64_t d = static_cast<std::uint64_t>(model.width);
  const std::uint64_t f = static_cast<std::uint64_t>(model.neurons);
  // No more than the file has, whatever its header says.
  model.weights = large_block<double>(reader.left() / sizeof(double));
  double* next = model.weights.get();
  const auto matrix = [&](std::uint64_t rows, std::uint64_t columns, const std::string& what) {
    return reader.matrix(rows, columns, what, next);
  };
  model.embedding = matrix(v, d, "the embedding");
  for (std::int32_t l = 0; l < layers; ++l) {
    const std::string where = sentence("layer ", l, ", ");
    Layer layer;
    layer.qkv = matrix(3 * d, d, where + "Wqkv");
    layer.out = matrix(d, d, where + "Wout");
    layer.in = matrix(2 * f, d, where + "W_in");
    layer.ffn = matrix(d, f, where + "W_ffn");
    model.layers.push_back(std::move(layer));
  }
  model.head = matrix(v, d, "the output head");
}

std::vector<std::int32_t> read_slots(ByteReader& reader, const Model& model, const std::string& what) {
  const auto count = reader.integer<std::int32_t>(what);
  if (count < 0 || count > model.width)
    reader.fail(sentence(what, ": ", count, " slots at width ", model.width));
  auto slots = reader.integers(static_cast<std::uint64_t>(count), what);
  for (const auto slot : slots)
    if (slot < 0 || slot >= model.width) reader.fail(sentence(what, ": no slot ", slot));
  return slots;
}

void read_erasures(ByteReader& reader, Model& model) {
  if (!reader.flag("the erase trailer")) return;
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    model.layers[l].attention_erase = read_slots(reader, model, sentence("layer ", l, ", attention-erase"));
    model.layers[l].ffn_erase = read_slots(reader, model, sentence("layer ", l, ", ffn-erase"));
  }
}

// L x H values within [0, highest]; empty when the trailer is absent.
std::vector<std::int32_t> read_per_head(ByteReader& reader, const Model& model, const std::string& what,
                                        std::int32_t highest) {
  if (!reader.flag(what)) return {};
  auto values = reader.integers(model.layers.size() * static_cast<std::uint64_t>(model.heads), what);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] < 0 || values[i] > highest)
      reader.fail(sentence(what, ": layer ", i / static_cast<std::size_t>(model.heads), ", head ",
                           i % static_cast<std::size_t>(model.heads), " has the unknown value ", values[i]));
  return values;
}

void read_metadata(ByteReader& reader, Model& model) {
  if (reader.at_end()) {
    const double mark = model.embedding[kMarkSlot];
    if (mark == 0.0 && std::signbit(mark))
      reader.fail(sentence("the file was cut: it ends at offset ", reader.offset(),
                           ", before the last trailer (names and checksum) that its front part promises"));
    return;
  }
  const std::size_t start = reader.offset();
  const auto magic = reader.take(4, "the magic of the last trailer");
  if (std::memcmp(magic.data(), "TVMX", 4) != 0)
    reader.fail(sentence("unknown data at offset ", start, ", after the last trailer"));
  const auto version = reader.integer<std::uint32_t>("the version of the last trailer");
  if (version != kTrailerVersion)
    reader.fail(
        sentence("the last trailer has version ", version, ", this library knows version ", kTrailerVersion));
  const auto length = reader.integer<std::uint64_t>("the length of the metadata");
  const auto checksum = reader.integer<std::uint32_t>("the checksum");
  const auto json = reader.take(length, "the metadata");
  if (crc32(json, crc32(reader.before(start))) != checksum)
    reader.fail("the checksum does not match: the file is damaged");
  model.metadata.assign(reinterpret_cast<const char*>(json.data()), json.size());
  if (!is_utf8(model.metadata) || model.metadata.find('\0') != std::string::npos)
    reader.fail("the metadata is not UTF-8 text");
  if (!reader.at_end())
    reader.fail(sentence(reader.left(), " unknown bytes after the metadata, at offset ", reader.offset()));
}

}  // namespace

double recency(std::uint64_t position) {
  return 1.0 / std::log(2.0) - 1.0 / std::log(static_cast<double>(position + 2));
}

Model read_model(std::span<const unsigned char> bytes, const std::string& name) {
  ByteReader reader(bytes, name);
  Model model;
  std::int32_t layers = 0;
  read_header(reader, model, layers);
  read_vocabulary(reader, model);
  read_weights(reader, model, layers);
  read_erasures(reader, model);
  model.latest = read_per_head(reader, model, "the tie-break trailer", 1);
  if (model.latest.empty())
    model.latest.assign(model.layers.size() * static_cast<std::size_t>(model.heads), 1);
  const auto stored = read_per_head(reader, model, "the head kind trailer", 2);
  read_metadata(reader, model);
  classify_heads(model, stored, name);
  return model;
}

std::vector<unsigned char> read_file(const char* path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path, "rb"), std::fclose);
  if (!file) throw Error(Status::kFile, sentence(path, ": ", std::strerror(errno)));
  // A byte more than the file has, so that its end is seen; what is no ordinary file says no size.
  std::error_code unknown;
  const std::uintmax_t told = std::filesystem::file_size(path, unknown);
  constexpr std::size_t kLeast = std::size_t{1} << 16;
  std::vector<unsigned char> bytes(
      unknown || told >= SIZE_MAX ? kLeast : std::max(kLeast, static_cast<std::size_t>(told) + 1));
  std::size_t size = 0;
  while ((size += std::fread(bytes.data() + size, 1, bytes.size() - size, file.get())) == bytes.size())
    bytes.resize(2 * size);
  if (std::ferror(file.get()))
    throw Error(Status::kFile, sentence(path, ": cannot be read: ", std::strerror(errno)));
  bytes.resize(size);
  return bytes;
}

}  // namespace tvm
