// The envelope of an output head chooses what all of its rows would, and nothing where a sum may be rounded.
#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "check.hpp"
#include "layers/head_envelope.hpp"

namespace {

using tvm::kLanes;
using tvm::Row;
using tvm::Rows;

std::mt19937_64 random_source(11);
int between(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_source); }

constexpr std::size_t kWidth = 9, kConstant = 4;

// Tokens of a few classes, each with bytes 0 .. bytes - 1: 2 b s - b^2 + what the class scores; some rows
// come twice, some have a form of their own.
Rows random_head(int classes, int bytes) {
  Rows rows;
  Row direction(kWidth, 0.0);
  for (const std::size_t i : {1, 3, 6}) direction[i] = between(-3, 3);
  direction[1] = between(0, 1) == 1 ? 2 : -2;
  for (int c = 0; c < classes; ++c) {
    Row base(kWidth, 0.0);
    for (const std::size_t i : {0, 2, 3, 7}) base[i] = between(-20, 20);
    const int missing = between(0, 3) == 0 ? between(0, bytes - 1) : -1;
    for (int b = 0; b < bytes; ++b) {
      if (b == missing) continue;
      Row row = base;
      for (std::size_t i = 0; i < kWidth; ++i) row[i] += 2 * b * direction[i];
      row[kConstant] = base[2] - b * b + (between(0, 9) == 0 ? between(-2, 2) : 0);
      rows.push_back(row);
      if (between(0, 20) == 0) rows.push_back(row);
    }
  }
  for (int i = between(0, 3); i > 0; --i) {
    rows.emplace_back(kWidth);
    for (double& w : rows.back()) w = between(-50, 50);
  }
  return rows;
}

tvm::OutputHead::Choice by_all_rows(const Rows& rows, const Row& x) {
  tvm::OutputHead::Choice best{-HUGE_VAL, -1};
  for (std::size_t id = 0; id < rows.size(); ++id) {
    double score = 0.0;
    for (std::size_t i = 0; i < kWidth; ++i) score += rows[id][i] * x[i];
    if (score > best.score) best = {score, static_cast<double>(id)};
  }
  return best;
}

void same_choice() {
  int ties = 0;
  for (int round = 0; round < 60; ++round) {
    const Rows rows = random_head(between(1, 6), between(20, 60));
    const auto envelope = tvm::HeadEnvelope::make(rows);
    CHECK(envelope != nullptr);
    std::vector<double> tile(kWidth * kLanes), scratch(envelope->scratch_rows() * kLanes);
    double score[kLanes], token[kLanes];
    std::vector<Row> xs;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      Row x(kWidth);
      for (double& n : x) n = between(-9, 9) * (round % 5 == 0 ? 1e6 : 1);
      x[kConstant] = between(1, 3);
      for (std::size_t i = 0; i < kWidth; ++i) tile[i * kLanes + lane] = x[i];
      xs.push_back(x);
    }
    CHECK(envelope->tile(tile.data(), scratch.data(), score, token));
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto expected = by_all_rows(rows, xs[lane]);
      tvm::OutputHead::Choice one;
      CHECK(envelope->one(xs[lane].data(), scratch.data(), one));
      CHECK(one.score == expected.score && one.token == expected.token);
      CHECK(score[lane] == expected.score && token[lane] == expected.token);
      for (std::size_t id = static_cast<std::size_t>(expected.token) + 1; id < rows.size(); ++id) {
        double other = 0.0;
        for (std::size_t i = 0; i < kWidth; ++i) other += rows[id][i] * xs[lane][i];
        ties += other == expected.score;
      }
    }
  }
  CHECK(ties > 100);
}

void nothing_is_rounded() {
  const Rows rows = random_head(3, 40);
  const auto envelope = tvm::HeadEnvelope::make(rows);
  std::vector<double> scratch(envelope->scratch_rows() * kLanes);
  tvm::OutputHead::Choice choice;
  Row x(kWidth, 1.0);
  CHECK(envelope->one(x.data(), scratch.data(), choice));
  for (const double number : {0x1p52, 0.5, HUGE_VAL, std::nan("")}) {
    x[1] = number;
    CHECK(!envelope->one(x.data(), scratch.data(), choice));
  }
  x[1] = 1.0;
  for (const double number : {0.0, -1.0}) {  // the lines stand on their heads
    x[kConstant] = number;
    CHECK(!envelope->one(x.data(), scratch.data(), choice));
  }
}

void heads_without() {
  Rows rows = random_head(2, 30);
  CHECK(tvm::HeadEnvelope::make(rows));
  rows[7][1] += 0.5;
  CHECK(!tvm::HeadEnvelope::make(rows));
  for (auto& row : rows)
    for (double& w : row) w = between(-1000, 1000);
  CHECK(!tvm::HeadEnvelope::make(rows));
  CHECK(!tvm::HeadEnvelope::make({{1, 2}}) && !tvm::HeadEnvelope::make({}));
}

}  // namespace

int main() {
  same_choice();
  nothing_is_rounded();
  heads_without();
}
