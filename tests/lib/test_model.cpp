// Model files: every truncation, hostile sizes, trailers, and head kinds against the weights.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "check.hpp"
#include "model_bytes.hpp"
#include "tvm.h"

namespace {

using Bytes = std::vector<unsigned char>;

tvm_status status_of(const Bytes& bytes) {
  tvm_model* model = nullptr;
  Bytes exact(bytes);  // exactly sized: a read beyond the end is seen by the sanitizer
  exact.reserve(1);    // not NULL even when empty
  const tvm_status status = tvm_model_open_memory(exact.data(), exact.size(), &model);
  tvm_model_close(model);
  return status;
}

void refuse(const Bytes& bytes, const char* part) {
  const tvm_status status = status_of(bytes);
  if (status != TVM_ERROR_MODEL || std::strstr(tvm_last_error(), part) == nullptr) {
    std::fprintf(stderr, "status %d, error '%s', wanted '%s'\n", status, tvm_last_error(), part);
    std::exit(1);
  }
}

std::vector<std::int32_t> kinds_of(const ModelBytes& m) {
  const Bytes bytes = m.bytes();
  tvm_model* model = nullptr;
  if (tvm_model_open_memory(bytes.data(), bytes.size(), &model) != TVM_OK)
    std::fprintf(stderr, "%s\n", tvm_last_error());
  CHECK(model != nullptr);
  std::vector<std::int32_t> kinds(m.layers.size() * static_cast<std::size_t>(m.h));
  CHECK(tvm_model_head_kinds(model, kinds.data(), kinds.size()) == TVM_OK);
  tvm_model_close(model);
  return kinds;
}

// Slots: 0-2 as always, 3 `one`. Layer 0: passthrough, gather, average, parabola with BIG, unused.
ModelBytes sample(double scale = 0x1p34) {
  ModelBytes m(4, 10, 2, 3, 3);
  for (int t = 1; t < 4; ++t) m.e(t, 3) = 1;
  for (int t = 0; t < 4; ++t) m.e(t, 4) = t;
  m.latest.assign(10, 1);
  m.latest[2] = 0;
  for (int l = 0; l < 2; ++l) {
    for (int head = 0; head < 4; ++head) m.wout(l, 5 + head, head, 0) = 1;
    m.qkv(l, 0, 0, 0, 0) = scale, m.qkv(l, 0, 0, 1, 3) = scale, m.qkv(l, 1, 0, 0, 0) = 2,
                      m.qkv(l, 1, 0, 1, 3) = 1;
    m.qkv(l, 0, 1, 0, 4) = scale * 3, m.qkv(l, 0, 1, 1, 3) = scale, m.qkv(l, 1, 1, 0, 0) = 2,
                      m.qkv(l, 1, 1, 1, 2) = -1;
    m.qkv(l, 1, 1, 1, 1) = 0.3;
    m.qkv(l, 0, 2, 1, 3) = scale, m.qkv(l, 1, 2, 1, 3) = 1;
    m.qkv(l, 0, 3, 0, 4) = scale, m.qkv(l, 0, 3, 1, 3) = scale, m.qkv(l, 1, 3, 0, 4) = 2,
                      m.qkv(l, 1, 3, 1, 4) = -1e30;
  }
  m.ffn(0, 4, 0) = 1;
  m.gate(0, 0, 3) = 1;
  return m;
}

void truncation() {
  ModelBytes m = sample();
  m.erasures = m.metadata = true;
  m.layers[0].attention_erase = {5, 6};
  m.kinds.assign(10, 0);
  m.json = "{\"name\": \"\xc3\xa9\"}";
  const Bytes full = m.bytes();
  CHECK(status_of(full) == TVM_OK);
  // The ends of the weights and of each trailer are where a file may end.
  ModelBytes part = m;
  std::vector<std::size_t> ends{full.size()};
  part.metadata = false, ends.push_back(part.bytes().size());
  part.kinds.clear(), ends.push_back(part.bytes().size());
  part.latest.clear(), ends.push_back(part.bytes().size());
  part.erasures = false, ends.push_back(part.bytes().size());
  for (std::size_t size = 0; size <= full.size(); ++size) {
    const bool whole = std::find(ends.begin(), ends.end(), size) != ends.end();
    CHECK(status_of({full.begin(), full.begin() + static_cast<std::ptrdiff_t>(size)}) ==
          (whole ? TVM_OK : TVM_ERROR_MODEL));
  }
  for (std::size_t i = 0; i < full.size();
       ++i) {  // any damage is an error of the model, by the checksum at the latest
    Bytes damaged = full;
    damaged[i] ^= 0x41;
    CHECK(status_of(damaged) == TVM_ERROR_MODEL);
  }
  Bytes longer = full;
  longer.push_back(0);
  refuse(longer, "unknown bytes after the metadata");
}

void hostile() {
  const auto with = [](std::size_t offset, std::int32_t value) {
    Bytes bytes = sample().bytes();
    std::memcpy(bytes.data() + offset, &value, 4);
    return bytes;
  };
  refuse(with(0, -1), "vocabulary size V is -1");
  refuse(with(0, 0x7fffffff), "vocabulary size V");
  refuse(with(0, 1 << 24), "token 4 of the vocabulary");
  refuse(with(4, 12), "H must be D / 2");
  refuse(with(8, 0), "number of layers L is 0");
  refuse(with(8, 1 << 24), "the file ends inside");
  refuse(with(16, 1 << 24), "the file ends inside");
  refuse(with(20, 4), "stop token 4");
  refuse(with(24, -1), "the file ends inside the vocabulary (token 0)");
  ModelBytes m = sample();
  m.layers[1].out[7] = std::numeric_limits<double>::quiet_NaN();
  refuse(m.bytes(), "layer 1, Wout: the weight at row 0, column 7");
  m = sample(), m.head[0] = HUGE_VAL;
  refuse(m.bytes(), "the output head");
  m = sample(), m.tokens[2] = "t1";
  refuse(m.bytes(), "token 2 of the vocabulary (offset 40) appears twice");
  for (const char* bad :
       {"\xff", "\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "a\x80"}) {
    m = sample(), m.tokens[2] = bad;
    refuse(m.bytes(), "is not UTF-8");
  }
  m = sample(), m.tokens[1] = "";
  refuse(m.bytes(), "is empty");
  m = sample(), m.erasures = true, m.layers[0].ffn_erase = {10};
  refuse(m.bytes(), "layer 0, ffn-erase: no slot 10");
  m = sample(), m.latest[3] = 2;
  refuse(m.bytes(), "tie-break trailer: layer 0, head 3");
  tvm_model* model = nullptr;
  CHECK(tvm_model_open("/nonexistent/model", &model) == TVM_ERROR_FILE && model == nullptr);
  CHECK(std::strstr(tvm_last_error(), "/nonexistent/model: No such file") != nullptr);
  CHECK(tvm_model_open(nullptr, &model) == TVM_ERROR_ARGUMENT);
}

void kinds(double scale) {
  using Kinds = std::vector<std::int32_t>;
  ModelBytes m = sample(scale);
  CHECK((kinds_of(m) == Kinds{1, 2, 3, 0, 4, 1, 2, 0, 0, 4}));
  m.kinds.assign(10, 0);
  CHECK((kinds_of(m) == Kinds{0, 0, 3, 0, 4, 0, 0, 0, 0, 4}));
  m.kinds[5] = 1, m.kinds[1] = 2;
  CHECK((kinds_of(m) == Kinds{0, 2, 3, 0, 4, 1, 0, 0, 0, 4}));
  m.kinds[3] = 2;
  refuse(m.bytes(), "layer 0, head 3 is stored as gather");
  m.kinds[3] = 1;
  refuse(m.bytes(), "layer 0, head 3 is stored as passthrough");
  m.kinds.clear();
  // A write to position, or an erasure, or a position in the embedding, ends what relies on it.
  ModelBytes damaged = m;
  damaged.wout(0, 0, 3, 0) = 1;
  CHECK(kinds_of(damaged)[1] == 2 && kinds_of(damaged)[5] == 0 && kinds_of(damaged)[6] == 0);
  damaged = m, damaged.erasures = true, damaged.layers[0].ffn_erase = {2};
  CHECK(kinds_of(damaged)[5] == 1 && kinds_of(damaged)[6] == 0);
  damaged = m, damaged.e(2, 0) = 1;
  CHECK(kinds_of(damaged)[0] == 0 && kinds_of(damaged)[1] == 0);
  damaged = m, damaged.qkv(0, 1, 1, 1, 4) = -1e30;  // a gather with `clear` is none
  CHECK(kinds_of(damaged)[1] == 0);
  damaged = m, damaged.qkv(0, 1, 1, 1, 1) = 0.9;  // recency spread beyond one step
  CHECK(kinds_of(damaged)[1] == 0);
  damaged = m, damaged.qkv(0, 1, 0, 1, 4) = 1;  // the key's second part outweighs the own position
  CHECK(kinds_of(damaged)[0] == 0);
  damaged = m, damaged.e(1, 3) = -1;  // a query of the other sign
  CHECK(kinds_of(damaged)[1] == 0);
}

void inspection() {
  ModelBytes m = sample();
  m.metadata = true, m.json = "{}";
  const Bytes bytes = m.bytes();
  tvm_model* model = nullptr;
  CHECK(tvm_model_open_memory(bytes.data(), bytes.size(), &model) == TVM_OK);
  tvm_model_sizes sizes{};
  CHECK(tvm_model_get_sizes(model, &sizes) == TVM_ERROR_ARGUMENT);
  sizes.size = sizeof sizes;
  CHECK(tvm_model_get_sizes(model, &sizes) == TVM_OK);
  CHECK(sizes.vocabulary == 4 && sizes.width == 10 && sizes.layers == 2 && sizes.heads == 5 &&
        sizes.neurons == 3);
  CHECK(sizes.stop == 3 && sizes.kinds_stored == 0);
  CHECK(std::strcmp(tvm_model_token(model, 2), "t2") == 0);
  CHECK(tvm_model_token(model, 4) == nullptr && tvm_model_token(model, -1) == nullptr);
  CHECK(std::strcmp(tvm_model_metadata(model), "{}") == 0);
  std::int32_t kinds[10];
  CHECK(tvm_model_head_kinds(model, kinds, 9) == TVM_ERROR_ARGUMENT);
  tvm_model_close(model);
  tvm_model_close(nullptr);
}

}  // namespace

int main() {
  truncation();
  hostile();
  for (const double scale : {0x1p34, 1e10 * std::sqrt(2.0)}) kinds(scale);
  inspection();
}
