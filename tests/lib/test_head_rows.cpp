// Query rows are divided by their scale exactly: that of today's files, that of older ones, or their least
// weight.
#include <cmath>
#include <utility>

#include "base/error.hpp"
#include "machine.hpp"
#include "model/head_rows.hpp"

namespace {

using Row = std::vector<double>;

// What head_rows makes of a query's weights on slots 3 and 4, in either row.
std::pair<Row, Row> unscaled(const Row& q0, const Row& q1) {
  ModelBytes bytes(2, 6, 1, 0, 1);
  for (std::size_t i = 0; i < 2; ++i) {
    const int slot = 3 + static_cast<int>(i);
    bytes.qkv(0, 0, 0, 0, slot) = q0[i], bytes.qkv(0, 0, 0, 1, slot) = q1[i];
  }
  const tvm::Model model = tvm::read_model(bytes.bytes(), "model");
  const tvm::HeadRows rows = tvm::head_rows(model, 0, 0, tvm::input_slots(model)[0]);
  return {{rows.q0[3], rows.q0[4]}, {rows.q1[3], rows.q1[4]}};
}

Row times(const Row& row, double scale) {
  Row all;
  for (const double w : row) all.push_back(w * scale);
  return all;
}

}  // namespace

int main() {
  const std::pair<Row, Row> rows[] = {{{3, -5}, {2, 0}}, {{1, 0}, {0, 1}}, {{7, 4294967297}, {0, 0}}};
  for (const auto& [q0, q1] : rows)
    for (const double scale : {Machine::kScale, Machine::kOldScale, 1.0})
      CHECK((unscaled(times(q0, scale), times(q1, scale)) == std::pair{q0, q1}));
  const Row q0{3, 6}, q1{3, 0};
  CHECK((unscaled(times(q0, 0.1), times(q1, 0.1)) == std::pair{Row{1, 2}, Row{1, 0}}));
  // Beside a multiple of 2^34 is none: the row stays, down to its last bit.
  const Row near{std::nextafter(3 * Machine::kScale, 0), 2 * Machine::kScale}, none{0, 0};
  CHECK((unscaled(near, none) == std::pair{near, none}));
}
