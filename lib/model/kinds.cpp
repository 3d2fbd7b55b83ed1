// Head kinds, proved from the weights. Each rule says which scores its heads have, and why the
// shortcut that layers/ takes for the kind is the argmax of those scores.
#include <algorithm>
#include <cmath>

#include "base/error.hpp"
#include "model/head_rows.hpp"

namespace tvm {
namespace {

// coefficient * x[slot] and nothing else.
bool only(const std::vector<double>& row, Slot slot) {
  for (std::size_t i = 0; i < row.size(); ++i)
    if (row[i] != 0.0 && i != static_cast<std::size_t>(slot)) return false;
  return true;
}

bool zero(const std::vector<double>& row) {
  return std::all_of(row.begin(), row.end(), [](double w) { return w == 0.0; });
}

// Its columns in Wout are zero.
bool is_unused(const Model& model, std::size_t layer, std::size_t head) {
  const auto width = static_cast<std::size_t>(model.width);
  for (std::size_t row = 0; row < width; ++row) {
    const double* out = &model.layers[layer].out[row * width + 2 * head];
    if (out[0] != 0.0 || out[1] != 0.0) return false;
  }
  return true;
}

// key = (a s, e_s + c r(s)), query = (b p, f_p) with a, b > 0 and e, f functions of the token: for
// s < p the own position leads by a b p (p - s) >= a b minus at most |f| (spread of the key's second part).
bool is_passthrough(const Model& model, const HeadRows& rows, const InputSlots& inputs) {
  if (!inputs.position || !only(rows.k0, kPosition) || !only(rows.q0, kPosition)) return false;
  const double lead = rows.k0[kPosition] * rows.q0[kPosition];
  const Range key = embedded_range(model, inputs, rows.k1), query = embedded_range(model, inputs, rows.q1);
  if (!(rows.k0[kPosition] > 0.0 && rows.q0[kPosition] > 0.0) || !rows.clear.empty()) return false;
  if (!key.known || !query.known) return false;
  const double spread = key.high - key.low + std::abs(rows.recency) * kRecencyBound;
  return std::max(std::abs(query.low), std::abs(query.high)) * spread < lead;
}

// key = (2c s, -c s^2 + e r(s)) with c > 0, 0 <= e r < c; query = (q0, q1) with q1 >= 0. For q1 > 0 the
// score is q1 c (-(s - q0/q1)^2 + e/c r(s)) + const, so the winner is one of the two positions next
// to q0/q1; for q1 = 0 it is an end of the history, by the sign of q0. c is a power of two, as float64 rounds
// other multiples of s * s, and a scan would see keys beside the parabola.
bool is_gather(const HeadRows& rows, const InputSlots& inputs, bool latest) {
  if (!latest || !inputs.position || !inputs.squared || !rows.query1_nonnegative || !rows.clear.empty())
    return false;
  if (!only(rows.k0, kPosition) || !only(rows.k1, kPositionSquared)) return false;
  const double c = -rows.k1[kPositionSquared];
  int exponent = 0;
  return std::frexp(c, &exponent) == 0.5 && rows.k0[kPosition] == 2.0 * c && rows.recency >= 0.0 &&
         rows.recency * kRecencyBound < c;
}

// key = (0, e_s), query = (q0, f_p), AVERAGE, no recency: the score f e takes as few values as e.
bool is_average(const Model& model, const HeadRows& rows, const InputSlots& inputs, bool latest) {
  return !latest && zero(rows.k0) && rows.recency == 0.0 && rows.clear.empty() &&
         embedded_range(model, inputs, rows.k1).known && embedded_range(model, inputs, rows.q1).known;
}

const char* name_of(HeadKind kind) {
  constexpr const char* kNames[] = {"lookup", "passthrough", "gather", "average", "unused"};
  return kNames[static_cast<std::size_t>(kind)];
}

}  // namespace

void classify_heads(Model& model, const std::vector<std::int32_t>& stored, const std::string& name) {
  const auto heads = static_cast<std::size_t>(model.heads);
  const auto inputs = input_slots(model);
  model.kinds_stored = !stored.empty();
  model.kinds.assign(model.layers.size() * heads, HeadKind::kLookup);
  for (std::size_t layer = 0; layer < model.layers.size(); ++layer) {
    for (std::size_t head = 0; head < heads; ++head) {
      const std::size_t index = model.head_index(layer, head);
      const HeadRows rows = head_rows(model, layer, head, inputs[layer]);
      const bool latest = model.latest[index] != 0;
      const bool passthrough = is_passthrough(model, rows, inputs[layer]);
      const bool gather = is_gather(rows, inputs[layer], latest);
      const HeadKind label = stored.empty() ? HeadKind::kLookup : static_cast<HeadKind>(stored[index]);
      if ((label == HeadKind::kPassthrough && !passthrough) || (label == HeadKind::kGather && !gather))
        throw Error(Status::kModel, sentence(name, ": layer ", layer, ", head ", head, " is stored as ",
                                             name_of(label), ", but its weights do not make it one"));
      HeadKind& kind = model.kinds[index];
      if (label != HeadKind::kLookup)
        kind = label;
      else if (is_unused(model, layer, head))
        kind = HeadKind::kUnused;
      else if (is_average(model, rows, inputs[layer], latest))
        kind = HeadKind::kAverage;
      else if (stored.empty())
        kind = passthrough ? HeadKind::kPassthrough : gather ? HeadKind::kGather : HeadKind::kLookup;
    }
  }
}

}  // namespace tvm
