// The layer path's variants through the C ABI: every combination of options gives the same tokens, and
// what would not be exact is refused or said.
#include "runs.hpp"

namespace {

void combinations() {
  for (int round = 0; round < 4; ++round) {
    const Opened m(machine_like());
    Tokens prompt{0};
    for (int i = between(1, 70); i > 0; --i) prompt.push_back(between(1, 10));
    const Tokens expected =
        generate(m, prompt, 120, layers(TVM_PROJECTION_DENSE, TVM_ATTENTION_SCAN, TVM_BYPASS_NONE, 1));
    Tokens all = prompt, predicted;
    for (int i = 0; i < 150; ++i)
      all.push_back(between(round % 2, 11));  // anything at all, `zero` tokens too
    verify(m, all, 1, all.size(), &predicted,
           layers(TVM_PROJECTION_DENSE, TVM_ATTENTION_SCAN, TVM_BYPASS_NONE, 1));
    for (int projection = 0; projection <= 3; ++projection) {
      if (projection == TVM_PROJECTION_BLAS && !has_blas()) continue;
      for (int attention = 0; attention <= 2; ++attention)
        for (int bypass = 0; bypass <= 3; ++bypass) {
          const auto options = layers(projection, attention, bypass, bypass % 3);
          CHECK(generate(m, prompt, 120, options) == expected);
          Tokens found;
          verify(m, all, 1, all.size(), &found, options);
          CHECK(found == predicted);
        }
    }
  }
}

// Rows that score the same, though they differ: the lowest id wins in every variant, whichever lane of
// whichever slice it lies in.
void ties() {
  for (int round = 0; round < 20; ++round) {
    ModelBytes m(70, 12, 1, 0, 69);
    for (int t = 0; t < m.v; ++t)
      for (int slot = 3; slot < m.d; ++slot) m.e(t, slot) = between(0, 1);
    for (int t = 0; t < m.v - 1; ++t)
      for (int i = 0; i < 3; ++i) m.out_row(t, between(3, m.d - 1)) = 1;
    const Opened model(m);
    for (int i = 0; i < 20; ++i) {
      Tokens tokens{between(0, 68), between(0, 68)};
      int expected = 0;
      double best = -1.0;
      for (int t = 0; t < m.v; ++t) {
        double score = 0.0;
        for (int slot = 3; slot < m.d; ++slot) score += m.out_row(t, slot) * m.e(tokens[1], slot);
        if (score > best) best = score, expected = t;
      }
      for (const int projection : {TVM_PROJECTION_DENSE, TVM_PROJECTION_SPARSE}) {
        // The prompt is read as a tile, and what follows position by position.
        const auto options = layers(projection, 0, TVM_BYPASS_ALL, 1);
        const Tokens next = generate(model, tokens, 5, options);
        CHECK(next[0] == expected);
        Tokens all = tokens, predicted;
        all.insert(all.end(), next.begin(), next.end());
        verify(model, all, 2, all.size(), &predicted, layers(TVM_PROJECTION_DENSE, 0, TVM_BYPASS_ALL, 1));
        CHECK(next == predicted);
      }
    }
  }
}

// A run that has depended on an order of summation says so.
void order_of_sums() {
  const Tokens tokens{0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  for (const bool fractions : {false, true}) {
    ModelBytes source = machine_like();
    if (fractions) source.e(5, 4) += 0.1, source.e(3, 5) -= 0.3;
    const Opened m(source);
    for (int projection = 1; projection <= 3; ++projection)
      for (const int bypass : {TVM_BYPASS_NONE, TVM_BYPASS_ALL}) {
        if (projection == TVM_PROJECTION_BLAS && !has_blas()) continue;
        for (const int attention : {TVM_ATTENTION_HULL, TVM_ATTENTION_SCAN}) {
          const bool own_order = projection == TVM_PROJECTION_BLAS;
          const auto options = layers(projection, attention, bypass, 1);
          // BLAS cannot vouch for sums over means, which later layers may read; the hull may meet no tie
          // among other tokens, and then has depended on nothing.
          const auto right = [&](std::int32_t exact) {
            if (own_order) return exact == 0 || !fractions;
            return exact == 1 || (fractions && attention == TVM_ATTENTION_HULL);
          };
          CHECK(right(verify(m, tokens, 1, tokens.size(), nullptr, options).exact));
          tvm_run_result run{};
          run.size = sizeof run;
          CHECK(tvm_generate(m.get(), tokens.data(), tokens.size(), 5, nullptr, nullptr, &options, &run) ==
                TVM_OK);
          CHECK(right(run.exact));
        }
      }
  }
}

// Weights without any structure: sums are not exact, but dense and sparse add in the same order.
void random_floats() {
  for (int round = 0; round < 5; ++round) {
    ModelBytes m(20, 12, 3, 9, 19);
    std::normal_distribution<double> normal(0.0, 0.2);
    const auto fill = [&](std::vector<double>& matrix) {
      for (auto& w : matrix)
        if (between(0, 2) > 0) w = normal(random_source);
    };
    fill(m.embedding), fill(m.head);
    for (auto& layer : m.layers) fill(layer.qkv), fill(layer.out), fill(layer.in), fill(layer.ffn);
    for (int slot = 0; slot < 3; ++slot)  // position and its square would drown everything else
      for (auto& layer : m.layers)
        for (std::size_t row = 0; row < layer.qkv.size() / 12; ++row)
          layer.qkv[row * 12 + static_cast<std::size_t>(slot)] *= 1e-3;
    for (int i = 0; i < 18; ++i) m.latest.push_back(between(0, 1));
    const Opened model(m);
    Tokens tokens, first, found;
    for (int i = 0; i < 300; ++i) tokens.push_back(between(0, 18));
    verify(model, tokens, 1, 300, &first,
           layers(TVM_PROJECTION_DENSE, TVM_ATTENTION_SCAN, TVM_BYPASS_NONE, 1));
    for (int attention = 0; attention <= 2; ++attention)
      for (const int projection : {TVM_PROJECTION_DENSE, TVM_PROJECTION_SPARSE}) {
        verify(model, tokens, 1, 300, &found, layers(projection, attention, TVM_BYPASS_ALL, 2));
        CHECK(found == first);
      }
  }
}

// Integer keys whose squares float64 rounds: every way still tells neighbours apart, up to 2^34;
// beyond, the table answers, and hull and scan say why they do not.
void key_limits() {
  for (const double base : {3e9, 3e10}) {
    ModelBytes m(3, 8, 2, 1, 2);
    for (int t = 0; t < 3; ++t) m.e(t, 3) = 1, m.e(t, 4) = base + t, m.e(t, 5) = base;
    m.gate(0, 0, 4) = 1, m.value(0, 0, 4) = 1, m.ffn(0, 6, 0) = 1;  // the key's square
    m.qkv(1, 0, 0, 0, 5) = 1, m.qkv(1, 0, 0, 1, 3) = 1, m.qkv(1, 1, 0, 0, 4) = 2, m.qkv(1, 1, 0, 1, 6) = -1;
    m.qkv(1, 1, 0, 1, 1) = 0.3, m.qkv(1, 2, 0, 0, 0) = 1;
    m.wout(1, 7, 0, 0) = 1;                                             // the newest position with token 0
    m.out_row(1, 0) = 1, m.out_row(1, 7) = -1, m.out_row(1, 3) = -0.5;  // token 1 when it is older
    const Opened model(m);
    const Tokens tokens{0, 1, 1, 0, 0, 1, 0};
    for (const int attention : {TVM_ATTENTION_AUTO, TVM_ATTENTION_HULL, TVM_ATTENTION_SCAN}) {
      const auto options = layers(0, attention, attention == 0 ? TVM_BYPASS_ALL : TVM_BYPASS_NONE, 1);
      tvm_verify_result result{};
      result.size = sizeof result;
      Tokens predicted(6);
      const auto status = tvm_verify(model.get(), tokens.data(), tokens.size(), 1, tokens.size(),
                                     predicted.data(), &options, &result);
      if (attention == TVM_ATTENTION_AUTO || base < 0x1p34) {
        CHECK(status == TVM_OK && (predicted == Tokens{0, 1, 1, 0, 0, 1}));
      } else {
        CHECK(status == TVM_ERROR_LIMIT);
        CHECK(std::strstr(tvm_last_error(), "layer 1, the integer key 30000000000 is beyond 2^34") !=
              nullptr);
      }
    }
  }
}

void overflow() {
  ModelBytes m(2, 6, 1, 1, 1);
  m.e(0, 3) = 1e200;
  m.gate(0, 0, 3) = 1, m.value(0, 0, 3) = 1, m.ffn(0, 3, 0) = 1;
  m.out_row(0, 3) = 1;
  const Opened model(m);
  const Tokens tokens{0, 0};
  tvm_verify_result result{};
  result.size = sizeof result;
  CHECK(tvm_verify(model.get(), tokens.data(), 2, 1, 2, nullptr, nullptr, &result) == TVM_ERROR_LIMIT);
  CHECK(std::strstr(tvm_last_error(), "not finite") != nullptr);
  // Nor is a score passed over because it is no number.
  m.e(0, 4) = 1, m.out_row(0, 3) = -1, m.out_row(1, 4) = 1;
  const Opened other(m);
  CHECK(tvm_verify(other.get(), tokens.data(), 2, 1, 2, nullptr, nullptr, &result) == TVM_ERROR_LIMIT);
}

// Keys and queries of any size: products of very small and very large ones are not exact, so that scan and
// hull could differ. They give the same, or refuse.
void sizes_of_scores() {
  int same = 0, refused = 0;
  for (const double size : {5e-324, 1e-322, 1e-315, 1e-310, 1e-200, 1e-160, 1e-100, 1.0, 1e100, 1e154, 1e300})
    for (int round = 0; round < 12; ++round) {
      ModelBytes m(8, 8, 1, 0, 7);
      for (int t = 0; t < m.v; ++t) {
        m.e(t, 3) = 1;
        for (int slot = 4; slot < 8; ++slot) m.e(t, slot) = between(-9, 9);
        m.out_row(t, 4) = t % 3, m.out_row(t, 5) = t - 2.0, m.out_row(t, 6) = t % 4;
      }
      for (int c = 0; c < 2; ++c)
        for (int slot = 4; slot < 8; ++slot) {
          m.qkv(0, 0, 0, c, slot) = between(-3, 3) * (round % 3 == 1 ? 1.0 : size);
          m.qkv(0, 1, 0, c, slot) = between(-3, 3) * (round % 3 == 2 ? 1.0 : size);
        }
      if (round % 2 == 1) m.qkv(0, 1, 0, 1, 1) = size;
      m.qkv(0, 2, 0, 0, 0) = 1, m.qkv(0, 2, 0, 1, 4) = 1;
      m.wout(0, 4, 0, 0) = 1, m.wout(0, 5, 0, 1) = 1;
      const Opened model(m);
      Tokens tokens;
      for (int i = 0; i < 60; ++i) tokens.push_back(between(0, 6));
      Tokens predicted[3];
      tvm_status statuses[3];
      for (int i = 0; i < 3; ++i) {
        const auto options = layers(0, i == 0 ? TVM_ATTENTION_SCAN : TVM_ATTENTION_HULL,
                                    i == 2 ? TVM_BYPASS_ALL : TVM_BYPASS_NONE, 1);
        tvm_verify_result result{};
        result.size = sizeof result;
        predicted[i].assign(tokens.size() - 1, -7);
        statuses[i] = tvm_verify(model.get(), tokens.data(), tokens.size(), 1, tokens.size(),
                                 predicted[i].data(), &options, &result);
        CHECK(statuses[i] == TVM_ERROR_LIMIT || (statuses[i] == TVM_OK && result.exact == 1));
      }
      for (int i = 1; i < 3; ++i)
        CHECK(statuses[0] != TVM_OK || statuses[i] != TVM_OK || predicted[i] == predicted[0]);
      ++(statuses[0] == TVM_OK ? same : refused);
    }
  CHECK(same > 40 && refused > 40);
}

// A gather whose keys float64 rounds, asked for what lies between two of them: a scan sees the rounded keys.
void rounded_parabolas() {
  for (const double curve : {0.1, 0.7, 1 / 3.0, 3.0, 0.5, 1.0, 4.0}) {
    ModelBytes m(10, 8, 1, 0, 9);
    for (int t = 0; t < m.v; ++t) {
      m.e(t, 3) = 1, m.e(t, 4) = t;
      m.out_row(t, 5) = 2 * t, m.out_row(t, 3) = -t * t;
    }
    m.qkv(0, 0, 0, 0, 0) = 2, m.qkv(0, 0, 0, 0, 3) = -3, m.qkv(0, 0, 0, 1, 3) = 2;  // position - 1.5
    m.qkv(0, 1, 0, 0, 0) = 2 * curve, m.qkv(0, 1, 0, 1, 2) = -curve;
    m.qkv(0, 2, 0, 0, 4) = 1, m.wout(0, 5, 0, 0) = 1;
    const Opened model(m);
    Tokens tokens, scanned, by_kind;
    for (int i = 0; i < 300; ++i) tokens.push_back(i % 9);
    verify(model, tokens, 1, tokens.size(), &scanned, layers(0, TVM_ATTENTION_SCAN, TVM_BYPASS_NONE, 1));
    verify(model, tokens, 1, tokens.size(), &by_kind, layers(0, TVM_ATTENTION_SCAN, TVM_BYPASS_ALL, 1));
    CHECK(scanned == by_kind);
  }
}

// A number without end never looks like a key.
void far_key() {
  ModelBytes m(2, 6, 1, 0, 1);
  m.e(0, 3) = 1, m.e(0, 4) = 1e100;
  m.qkv(0, 0, 0, 1, 3) = 1, m.qkv(0, 1, 0, 0, 4) = 2, m.qkv(0, 1, 0, 1, 5) = -1, m.e(0, 5) = 1e100 * 1e100;
  m.wout(0, 3, 0, 0) = 1;
  const Opened model(m);
  const Tokens tokens{0, 0};
  const auto options = layers(0, TVM_ATTENTION_SCAN, TVM_BYPASS_NONE, 1);
  tvm_verify_result result{};
  result.size = sizeof result;
  CHECK(tvm_verify(model.get(), tokens.data(), 2, 1, 2, nullptr, &options, &result) == TVM_ERROR_LIMIT);
}

}  // namespace

int main() {
  combinations();
  ties();
  order_of_sums();
  random_floats();
  key_limits();
  overflow();
  sizes_of_scores();
  rounded_parabolas();
  far_key();
}
