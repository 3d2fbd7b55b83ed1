// Every kernel set of this machine gives the scalar set's bits; an argument times them.
#include <chrono>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"
#include "layers/kernels/kernels.hpp"

namespace {

using tvm::kLanes;

std::mt19937_64 random_source(7);

double number() {
  // Ordinary, integer, huge, tiny and zero values of both signs.
  const double sign = random_source() % 2 ? 1.0 : -1.0;
  switch (random_source() % 6) {
    case 0: return 0.0 * sign;
    case 1: return sign * static_cast<double>(random_source() % 1000);
    case 2: return sign * 1e30;
    case 3: return sign * 1e-300;
    case 4: return sign * 0x1p52;
    default: return sign * std::ldexp(static_cast<double>(random_source() >> 11), -50);
  }
}

std::vector<double> numbers(std::size_t count) {
  std::vector<double> out(count);
  for (auto& n : out) n = number();
  return out;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

// A matrix in both layouts, with random patterns; a row may be empty.
struct Matrix {
  std::vector<std::int32_t> starts{0}, columns, targets, slice_starts{0}, slice_columns;
  std::vector<double> weights, slice_weights;
  std::size_t slices;

  Matrix(std::size_t rows, std::size_t width) : slices((rows + tvm::kSlice - 1) / tvm::kSlice) {
    for (std::size_t row = 0; row < rows; ++row) {
      pick(width, columns);
      starts.push_back(static_cast<std::int32_t>(columns.size()));
      targets.push_back(static_cast<std::int32_t>((row * 7 + 3) % rows));  // rows is no multiple of 7
    }
    for (std::size_t slice = 0; slice < slices; ++slice) {
      pick(width, slice_columns);
      slice_starts.push_back(static_cast<std::int32_t>(slice_columns.size()));
    }
    weights = numbers(columns.size() + 1);
    slice_weights = numbers(slice_columns.size() * tvm::kSlice + 1);
  }
  tvm::SparseRows rows() const {
    return {starts.data(), columns.data(), weights.data(), targets.data(), targets.size()};
  }
  tvm::RowSlices sliced() const {
    return {slice_starts.data(), slice_columns.data(), slice_weights.data(), slices};
  }

 private:
  static void pick(std::size_t width, std::vector<std::int32_t>& into) {
    for (std::size_t c = 0; c < width; ++c)
      if (random_source() % 3 == 0) into.push_back(static_cast<std::int32_t>(c));
  }
};

void compare(const tvm::Kernels& scalar, const tvm::Kernels& other) {
  for (int round = 0; round < 200; ++round) {
    std::size_t rows = 1 + random_source() % 20;
    rows += rows % 7 == 0;
    const std::size_t width = 1 + random_source() % 40;
    const auto x = numbers(width * kLanes), before = numbers(rows * kLanes);
    const Matrix m(rows, width), other_half(rows, width);

    const auto tiles = [&](auto run) {
      auto a = before, b = before;
      run(scalar, a.data()), run(other, b.data());
      CHECK(same_bits(a, b) && !same_bits(a, before));
      return a;
    };
    const auto scores = tiles([&](const auto& set, double* y) { set.sparse(m.rows(), x.data(), y); });
    tiles([&](const auto& set, double* y) { set.sparse_add(m.rows(), x.data(), y); });
    tiles([&](const auto& set, double* y) { set.sparse_gated(m.rows(), m.rows(), x.data(), y); });
    Matrix values = m;  // the same rows with other weights and columns
    values.starts = other_half.starts, values.columns = other_half.columns,
    values.weights = other_half.weights;
    tiles([&](const auto& set, double* y) { set.sparse_gated(m.rows(), values.rows(), x.data(), y); });

    std::vector<double> ids(rows);
    for (std::size_t i = 0; i < rows; ++i) ids[i] = static_cast<double>(3 * i);
    const auto argmax = [&](std::size_t lanes, auto run) {
      std::vector<double> best_a(lanes, -HUGE_VAL), id_a(lanes, -1), best_b = best_a, id_b = id_a;
      run(scalar, best_a.data(), id_a.data()), run(other, best_b.data(), id_b.data());
      CHECK(same_bits(best_a, best_b) && same_bits(id_a, id_b) && id_a[0] >= 0);
    };
    argmax(kLanes, [&](const auto& set, double* best, double* id) {
      set.argmax(scores.data(), rows, ids.data(), best, id);
    });
    argmax(kLanes, [&](const auto& set, double* best, double* id) {
      set.sparse_argmax(m.rows(), x.data(), best, id);
    });

    // Some sums are below the limit, some are not, and some numbers are none.
    for (const double size : {1e-20, 1.0, 1e20}) {
      auto some = x;
      for (double& n : some) n = std::min(std::abs(n), 1e3) * size;
      if (round % 3 == 0) some[random_source() % some.size()] = NAN;
      CHECK(scalar.sparse_within(m.rows(), some.data()) == other.sparse_within(m.rows(), some.data()));
      for (const double limit : {1e-9, 1e9, 1e33, 1e60})
        CHECK(scalar.sparse_below(m.rows(), some.data(), limit) ==
              other.sparse_below(m.rows(), some.data(), limit));
    }

    // One position. Ids in any order, some rows equal: the lower id wins.
    auto slices = m;
    if (slices.slices > 1 && round % 2 == 0) {
      slices.slice_starts[2] = 2 * slices.slice_starts[1];
      slices.slice_columns.resize(static_cast<std::size_t>(slices.slice_starts[1]));
      slices.slice_weights.resize(slices.slice_columns.size() * tvm::kSlice);
      slices.slice_columns.insert(slices.slice_columns.end(), slices.slice_columns.begin(),
                                  slices.slice_columns.end());
      slices.slice_weights.insert(slices.slice_weights.end(), slices.slice_weights.begin(),
                                  slices.slice_weights.end());
      slices.slices = 2;
    }
    const std::size_t padded = slices.slices * tvm::kSlice;
    std::vector<double> c(padded, 1.0), d(padded, 2.0);
    scalar.slices(slices.sliced(), x.data(), c.data()), other.slices(slices.sliced(), x.data(), d.data());
    CHECK(same_bits(c, d));
    scalar.slices_gated(slices.sliced(), slices.sliced(), x.data(), c.data());
    other.slices_gated(slices.sliced(), slices.sliced(), x.data(), d.data());
    CHECK(same_bits(c, d));
    std::vector<double> slice_ids(padded);
    for (std::size_t i = 0; i < padded; ++i) slice_ids[i] = static_cast<double>(i * 5 % padded);
    argmax(tvm::kSlice, [&](const auto& set, double* best, double* id) {
      set.slices_argmax(slices.sliced(), slice_ids.data(), x.data(), best, id);
    });
  }
}

void time(const tvm::Kernels& kernels) {
  constexpr std::size_t kRows = 128, kEntries = 8;
  std::vector<std::int32_t> starts{0}, columns;
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t i = 0; i < kEntries; ++i)
      columns.push_back(static_cast<std::int32_t>((row + 3 * i) % 30));
    starts.push_back(static_cast<std::int32_t>(columns.size()));
  }
  std::vector<std::int32_t> targets(kRows);
  for (std::size_t row = 0; row < kRows; ++row) targets[row] = static_cast<std::int32_t>(row);
  const std::vector<double> weights(columns.size(), 1.5), x(30 * kLanes, 0.5);
  std::vector<double> y(kRows * kLanes);
  const auto start = std::chrono::steady_clock::now();
  constexpr int kRounds = 20000;
  for (int i = 0; i < kRounds; ++i)
    kernels.sparse({starts.data(), columns.data(), weights.data(), targets.data(), kRows}, x.data(),
                   y.data());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%-9s sparse %7.2f Gflop/s\n", kernels.name,
              2.0 * kRounds * kRows * kEntries * kLanes / seconds / 1e9);
}

}  // namespace

int main(int argc, char**) {
  const auto& list = tvm::available_kernels();
  for (std::size_t i = 1; i < list.count; ++i) compare(*list.items[0], *list.items[i]);
  if (argc > 1)
    for (std::size_t i = 0; i < list.count; ++i) time(*list.items[i]);
}
