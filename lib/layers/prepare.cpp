#include "layers/prepare.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "layers/attention/finder.hpp"
#include "layers/attention/key_table.hpp"
#include "model/head_rows.hpp"

namespace tvm {
namespace {

// Rows that are projected together; a shared row is stored once.
class RowSet {
 public:
  std::size_t add(const Row& row, bool shared) {
    if (!shared) {
      rows_.push_back(row);
      return rows_.size() - 1;
    }
    const auto [place, fresh] = index_.try_emplace(row, rows_.size());
    if (fresh) rows_.push_back(row);
    return place->second;
  }
  const Rows& rows() const { return rows_; }

 private:
  Rows rows_;
  std::map<Row, std::size_t> index_;
};

bool bypassed(Bypass bypass, HeadKind kind) {
  switch (kind) {
    case HeadKind::kPassthrough: return bypass >= Bypass::kPassthrough;
    case HeadKind::kGather: return bypass >= Bypass::kGather;
    default: return bypass >= Bypass::kAll;
  }
}

class LayerBuilder {
 public:
  LayerBuilder(const Model& model, std::size_t layer, const InputSlots& inputs, const LayerOptions& options,
               SumOrder& order)
      : model_(model),
        layer_(layer),
        inputs_(inputs),
        options_(options),
        order_(order),
        width_(static_cast<std::size_t>(model.width)) {}

  std::vector<std::unique_ptr<AttentionUnit>> units() {
    std::vector<std::unique_ptr<AttentionUnit>> units;
    for (std::size_t head = 0; head < static_cast<std::size_t>(model_.heads); ++head)
      if (auto unit = unit_of(head)) units.push_back(std::move(unit));
    for (auto& [keys, table] : tables_) {
      std::vector<SearchQuery> queries;
      for (auto& [rows, query] : table.queries) queries.push_back(std::move(query));
      units.push_back(
          make_search(table.keys, std::make_unique<KeyTable>(table.keys.recency_share), std::move(queries)));
    }
    return units;
  }
  const Rows& rows() const { return set_.rows(); }
  std::vector<std::size_t> idle_heads() const {
    std::vector<std::size_t> idle;
    for (std::size_t head = 0; head < static_cast<std::size_t>(model_.heads); ++head) {
      const HeadKind kind = model_.kinds[model_.head_index(layer_, head)];
      if (kind == HeadKind::kUnused && bypassed(options_.bypass, kind)) idle.push_back(head);
    }
    return idle;
  }

 private:
  struct Table {
    SearchKeys keys;
    std::map<std::pair<std::size_t, std::size_t>, SearchQuery> queries;
  };

  std::unique_ptr<AttentionUnit> unit_of(std::size_t head) {
    const HeadKind kind = model_.kinds[model_.head_index(layer_, head)];
    const bool latest = model_.latest[model_.head_index(layer_, head)] != 0;
    const HeadRows rows = head_rows(model_, layer_, head, inputs_);
    if (!bypassed(options_.bypass, kind)) return search(head, rows, latest);
    switch (kind) {
      case HeadKind::kUnused: return nullptr;
      case HeadKind::kPassthrough: {
        const Values values = kept_values(head, true);
        return make_passthrough(head, values.row0, values.row1);
      }
      case HeadKind::kGather: {
        const double share = rows.recency / -rows.k1[kPositionSquared];
        return make_gather(set_.add(rows.q0, true), set_.add(rows.q1, true), share, head, values_of(head));
      }
      case HeadKind::kAverage: {
        const Values values = kept_values(head, true);
        return make_average(set_.add(rows.q1, true), set_.add(rows.k1, true), head, values.row0, values.row1);
      }
      default: break;
    }
    // What a table of integer keys relies on (key_table.hpp).
    if (!latest || !rows.query1_nonnegative || rows.recency < 0.0 || rows.recency * kRecencyBound >= 1.0)
      return search(head, rows, latest);
    add_to_table(head, rows);
    return nullptr;
  }

  SearchKeys keys_of(const HeadRows& rows, bool latest, bool shared) {
    SearchKeys keys{
        set_.add(rows.k0, shared), set_.add(rows.k1, shared), !rows.clear.empty(), 0, rows.recency, latest};
    if (keys.has_clear) keys.clear = set_.add(rows.clear, shared);
    return keys;
  }

  void add_to_table(std::size_t head, const HeadRows& rows) {
    const SearchKeys keys = keys_of(rows, true, true);
    Table& table = tables_[{keys.k0, keys.k1, keys.has_clear ? keys.clear + 1 : 0, keys.recency_share}];
    table.keys = keys;
    const auto q0 = set_.add(rows.q0, true), q1 = set_.add(rows.q1, true);
    SearchQuery& query = table.queries[{q0, q1}];
    query.q0 = q0, query.q1 = q1;
    query.heads.push_back({head, values_of(head), {}});
  }

  std::unique_ptr<AttentionUnit> search(std::size_t head, const HeadRows& rows, bool latest) {
    SearchQuery query{set_.add(rows.q0, false), set_.add(rows.q1, false), {}};
    const SearchKeys keys = keys_of(rows, latest, false);
    query.heads.push_back({head, kept_values(head, false), {}});
    std::vector<SearchQuery> queries;
    queries.push_back(std::move(query));
    return make_search(keys,
                       options_.attention == Search::kScan
                           ? make_scan(latest)
                           : make_hull(latest, !rows.query1_nonnegative, &order_),
                       std::move(queries));
  }

  Row value_row(std::size_t head, std::size_t component) const {
    return row_of(model_.layers[layer_].qkv, 2 * width_ + 2 * head + component, width_);
  }

  Values kept_values(std::size_t head, bool shared) {
    return {
        set_.add(value_row(head, 0), shared), set_.add(value_row(head, 1), shared), false, {0.0, 0.0}, {}};
  }

  // Values that only the token and the position decide are not kept but computed, if that is exact.
  Values values_of(std::size_t head) {
    Values values{0, 0, true, {0.0, 0.0}, Row(2 * model_.tokens.size(), 0.0)};
    for (std::size_t c = 0; c < 2; ++c) {
      Row row = value_row(head, c);
      if (!integers(row) || (row[kPosition] != 0.0 && !inputs_.position)) return kept_values(head, true);
      if (inputs_.position) values.slope[c] = std::exchange(row[kPosition], 0.0);
      if (!embedded_range(model_, inputs_, row).known) return kept_values(head, true);
      for (std::size_t id = 0; id < model_.tokens.size(); ++id) {
        double& value = values.table[2 * id + c];
        for (std::size_t slot = 0; slot < width_; ++slot) {
          const double part = model_.embedding[id * width_ + slot];
          if (row[slot] != 0.0 && part != std::rint(part)) return kept_values(head, true);
          if (row[slot] != 0.0) value += row[slot] * part;
          if (!(std::abs(value) < 0x1p52)) return kept_values(head, true);
        }
      }
    }
    return values;
  }

  static bool integers(const Row& row) {
    return std::all_of(row.begin(), row.end(),
                       [](double w) { return w == std::rint(w) && std::abs(w) < 0x1p31; });
  }

  const Model& model_;
  std::size_t layer_;
  const InputSlots& inputs_;
  const LayerOptions& options_;
  SumOrder& order_;
  std::size_t width_;
  RowSet set_;
  std::map<std::tuple<std::size_t, std::size_t, std::size_t, double>, Table> tables_;
};

// Input slots as the feed-forward half of a layer finds them.
InputSlots after_attention(const Model& model, std::size_t layer, const InputSlots& inputs) {
  const auto width = static_cast<std::size_t>(model.width);
  const Layer& weights = model.layers[layer];
  InputSlots now = inputs;
  for (std::size_t i = 0; i < weights.out.size(); ++i)
    if (weights.out[i] != 0.0) now.unwritten[i / width] = false;
  for (const auto slot : weights.attention_erase) now.unwritten[static_cast<std::size_t>(slot)] = false;
  return now;
}

// Neurons whose gate is the position plus what the token adds: count * mean is a running sum.
std::vector<std::size_t> find_running_sums(const Model& model, std::size_t layer, const InputSlots& inputs) {
  const auto width = static_cast<std::size_t>(model.width);
  const Layer& weights = model.layers[layer];
  const InputSlots now = after_attention(model, layer, inputs);
  std::vector<std::size_t> found;
  if (!now.position || !now.unwritten[kPosition]) return found;
  for (std::size_t neuron = 0; neuron < static_cast<std::size_t>(model.neurons); ++neuron) {
    Row gate = row_of(weights.in, neuron, width);
    if (std::exchange(gate[kPosition], 0.0) != 0.0 && embedded_range(model, now, gate).known)
      found.push_back(neuron);
  }
  return found;
}

// Keys of one term are left out: attention compares them exactly, and knows of squares that float64 rounded.
// Every slot that holds integers must hold them unrounded, also where it is read later: all but those that
// still hold the recency and the squared position, which no plan computes.
IntegerSums integer_sums(const Model& model, std::size_t layer, const InputSlots& inputs,
                         const Neurons* neurons) {
  const auto width = static_cast<std::size_t>(model.width);
  const Layer& weights = model.layers[layer];
  constexpr auto kIntegers = ExactProducts::Of::kIntegers;
  const auto slots = [width](const InputSlots& now) {
    Rows rows;
    for (std::size_t slot = 0; slot < width; ++slot)
      if ((slot != kRecency && slot != kPositionSquared) || !now.unwritten[slot]) {
        rows.emplace_back(width, 0.0);
        rows.back()[slot] = 1.0;
      }
    return rows;
  };
  Rows projected = slots(inputs), in = slots(after_attention(model, layer, inputs)), ffn;
  for (std::size_t head = 0; head < width / 2; ++head) {
    const HeadRows rows = head_rows(model, layer, head, inputs);
    for (const Row& row : {rows.q0, rows.q1}) projected.push_back(row);
    for (const Row& row : {rows.k0, rows.k1})
      if (width - static_cast<std::size_t>(std::count(row.begin(), row.end(), 0.0)) > 1)
        projected.push_back(row);
  }
  for (std::size_t row = 2 * width; row < 3 * width; ++row)
    projected.push_back(row_of(weights.qkv, row, width));
  for (Row& row : rows_of(weights.in, width)) in.push_back(std::move(row));
  if (neurons != nullptr)
    for (const Row& row : rows_of(weights.ffn, static_cast<std::size_t>(model.neurons))) {
      ffn.emplace_back(neurons->rows(), 0.0);
      for (std::size_t n = 0; n < row.size(); ++n)
        if (const auto place = neurons->places()[n]; place != kNoPlace)
          ffn.back()[static_cast<std::size_t>(place)] = row[n];
    }
  return {ExactProducts(projected, width, kIntegers),
          ExactProducts(rows_of(weights.out, width), width, kIntegers), ExactProducts(in, width, kIntegers),
          ExactProducts(ffn, neurons != nullptr ? neurons->rows() : 0, kIntegers)};
}

}  // namespace

PreparedNetwork prepare(const Model& model, const LayerOptions& options, bool integers) {
  const auto width = static_cast<std::size_t>(model.width);
  const Variant variant = choose_projection(model, options.projection);
  const auto inputs = input_slots(model);
  PreparedNetwork network;
  network.variant = variant;
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    const Layer& weights = model.layers[l];
    LayerBuilder builder(model, l, inputs[l], options, *network.order);
    PreparedLayer layer;
    layer.units = builder.units();
    layer.idle_heads = builder.idle_heads();
    layer.projected = builder.rows().size();
    layer.qkv = make_projection(variant, builder.rows(), width, *network.order);
    layer.out = make_projection(variant, rows_of(weights.out, width), width, *network.order);
    if (model.neurons > 0) {
      const Rows ffn = rows_of(weights.ffn, static_cast<std::size_t>(model.neurons));
      layer.neurons = make_neurons(variant, rows_of(weights.in, width), ffn, width, *network.order);
      const Places& places = layer.neurons->places();
      layer.ffn = variant == Variant::kSparse
                      ? make_sparse(ffn, places)
                      : make_projection(variant, ffn, layer.neurons->rows(), *network.order);
      for (const std::size_t neuron : find_running_sums(model, l, inputs[l]))
        if (places[neuron] != kNoPlace)
          layer.running_sums.push_back(static_cast<std::size_t>(places[neuron]));
    }
    layer.attention_erase = weights.attention_erase;
    layer.ffn_erase = weights.ffn_erase;
    if (integers) layer.sums = integer_sums(model, l, inputs[l], layer.neurons.get());
    network.layers.push_back(std::move(layer));
  }
  network.output = make_output_head(variant, model, *network.order);
  if (integers)
    network.scores = ExactProducts(rows_of(model.head, width), width, ExactProducts::Of::kIntegers);
  return network;
}

}  // namespace tvm
