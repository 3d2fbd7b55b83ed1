// Every kernel set of this machine gives the scalar set's bits; an argument times them.
#include <chrono>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"
#include "forward/kernels.hpp"

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

void compare(const tvm::Kernels& scalar, const tvm::Kernels& other) {
  for (int round = 0; round < 200; ++round) {
    const std::size_t rows = 1 + random_source() % 20, columns = 1 + random_source() % 40;
    const auto x = numbers(columns * kLanes);
    std::vector<std::int32_t> starts{0}, cols;
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t c = 0; c < columns; ++c)
        if (random_source() % 3 == 0) cols.push_back(static_cast<std::int32_t>(c));
      starts.push_back(static_cast<std::int32_t>(cols.size()));
    }
    const auto weights = numbers(cols.size() + 1);
    const tvm::SparseRows sparse{starts.data(), cols.data(), weights.data(), rows};
    std::vector<double> a(rows * kLanes, 1.0), b(rows * kLanes, 2.0);
    scalar.sparse(sparse, x.data(), a.data());
    other.sparse(sparse, x.data(), b.data());
    CHECK(same_bits(a, b));

    const std::size_t padded = (rows + tvm::kRowStep - 1) / tvm::kRowStep * tvm::kRowStep;
    std::vector<std::int32_t> all(columns);
    for (std::size_t c = 0; c < columns; ++c) all[c] = static_cast<std::int32_t>(c);
    const auto matrix = numbers(columns * padded);
    const tvm::RowBlock block{all.data(), matrix.data(), columns, padded};
    std::vector<double> c(padded, 1.0), d(padded, 2.0);
    scalar.block(block, x.data(), c.data());
    other.block(block, x.data(), d.data());
    CHECK(same_bits(c, d));

    std::vector<double> ids(rows), best_a(kLanes, -HUGE_VAL), id_a(kLanes, -1), best_b = best_a, id_b = id_a;
    for (std::size_t i = 0; i < rows; ++i) ids[i] = static_cast<double>(3 * i);
    scalar.argmax(a.data(), rows, ids.data(), best_a.data(), id_a.data());
    other.argmax(a.data(), rows, ids.data(), best_b.data(), id_b.data());
    CHECK(same_bits(best_a, best_b) && same_bits(id_a, id_b));
  }
}

void time(const tvm::Kernels& kernels) {
  constexpr std::size_t kRows = 128, kEntries = 8;
  std::vector<std::int32_t> starts{0}, columns;
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t i = 0; i < kEntries; ++i) columns.push_back(static_cast<std::int32_t>((row + 3 * i) % 30));
    starts.push_back(static_cast<std::int32_t>(columns.size()));
  }
  const std::vector<double> weights(columns.size(), 1.5), x(30 * kLanes, 0.5);
  std::vector<double> y(kRows * kLanes);
  const auto start = std::chrono::steady_clock::now();
  constexpr int kRounds = 20000;
  for (int i = 0; i < kRounds; ++i) kernels.sparse({starts.data(), columns.data(), weights.data(), kRows}, x.data(), y.data());
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("%-9s sparse %7.2f Gflop/s\n", kernels.name, 2.0 * kRounds * kRows * kEntries * kLanes / seconds / 1e9);
}

}  // namespace

int main(int argc, char**) {
  const auto& list = tvm::available_kernels();
  for (std::size_t i = 1; i < list.count; ++i) compare(*list.items[0], *list.items[i]);
  if (argc > 1)
    for (std::size_t i = 0; i < list.count; ++i) time(*list.items[i]);
}
