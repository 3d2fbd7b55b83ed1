#include "plan/specialize/tabulate.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "plan/ir/live_copy.hpp"

namespace tvm::plan {
namespace {

// Values of a small number.
constexpr Wide kFewValues = 256;
// Entries of one table: what is read of it stays in the nearest cache.
constexpr Wide kLongestTable = Wide{1} << 12;
// Parts of one sum, and steps in all: what a file can ask for is bounded.
constexpr std::size_t kMostParts = 256, kMostWork = std::size_t{1} << 22;
// Values beyond this are left alone.
constexpr Wide kLargest = Wide{1} << 62;

// Small numbers, ascending: columns of tokens (kTokenAt) and others.
using Reads = std::vector<NodeId>;

Reads united(const Reads& a, const Reads& b) {
  Reads all;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
  return all;
}

// weight * leaf * what the gates let through
struct Part {
  std::int64_t weight = 1;
  NodeId leaf = kOneNode;
  std::vector<NodeId> gates = {};  // kProduct, kStep and kEqual
  Reads reads = {};
};

struct Table {
  Reads reads;
  std::vector<Part> parts;
};

// The distinct rows of a token's columns.
struct Rows {
  std::vector<std::int64_t> row_of;      // per token
  std::vector<std::size_t> first_token;  // per row
};

class Tabulator {
 public:
  // renumbered: of the division's nodes so far, the number in the network.
  Tabulator(Network& network, const Division& division, const std::vector<NodeId>& renumbered)
      : net_(network), division_(division), renumbered_(renumbered) {}

  // The sum with tables for what is worth it.
  Expr run(const Expr& sum) {
    Expr rest;
    std::vector<Part> parts;
    for (const Term& term : sum) {
      std::vector<Part> found;
      const bool all =
          reads_token(term.node) && split(term, {}, found) && parts.size() + found.size() <= kMostParts &&
          std::all_of(found.begin(), found.end(), [&](const Part& part) { return reads_token(part); });
      if (all)
        parts.insert(parts.end(), found.begin(), found.end());
      else
        rest.push_back(term);
    }
    const std::vector<Table> tables = shared_out(parts);
    std::size_t operators = 0;
    for (const Table& table : tables) operators += operators_of(table);
    if (tables.empty() || 2 * operators > parts.size()) return sum;
    for (const Table& table : tables) {
      const std::optional<Expr> made = tabulated(table);
      if (!made) return sum;
      add_scaled(rest, *made, 1);
    }
    return rest;
  }

 private:
  bool is_small(NodeId id) const {
    return id != kOneNode && net_.intervals[id].high - net_.intervals[id].low < kFewValues;
  }
  bool is_column(NodeId id) const { return net_.nodes[id].kind == Kind::kTokenAt; }
  // Of a token that a selector knows: tapes fold what is a function of it.
  bool is_known(NodeId id) const {
    return is_column(id) &&
           std::any_of(division_.selectors.begin(), division_.selectors.end(), [&](const Selector& selector) {
             return selector.by == Selector::By::kTokenAt && renumbered_[selector.at] == net_.nodes[id].at;
           });
  }
  bool can_be_read(NodeId id) const { return is_small(id) && !is_known(id); }
  bool reads_token(const Part& part) const {
    return std::any_of(part.reads.begin(), part.reads.end(), [&](NodeId id) { return is_column(id); });
  }
  // Whether a token that no selector knows has to do with the node.
  bool reads_token(NodeId id) {
    const auto [entry, fresh] = reads_token_.try_emplace(id, false);
    if (!fresh) return entry->second;
    const Node& node = net_.nodes[id];
    bool reads = is_column(id) && !is_known(id);
    if (node.kind == Kind::kLinear || node.is_gated())
      for (const Expr* expr : {&node.gate, &node.value})
        for (const Term& term : *expr) reads = reads || reads_token(term.node);
    return reads_token_[id] = reads;
  }
  // Takes its part in tables as one number.
  bool is_number(NodeId id) { return can_be_read(id) && !reads_token(id); }

  Wide combinations(const Reads& reads) const {
    Wide size = 1;
    for (const NodeId id : reads) size = times(size, net_.intervals[id].high - net_.intervals[id].low + 1);
    return size;
  }

  // The small numbers that the expression is a function of, if few.
  std::optional<Reads> reads_of(const Expr& expr) {
    Reads all;
    for (const Term& term : expr) {
      const auto& part = reads_of(term.node);
      if (!part) return std::nullopt;
      all = united(all, *part);
      if (combinations(all) > kLongestTable) return std::nullopt;
    }
    return all;
  }
  const std::optional<Reads>& reads_of(NodeId id) {
    const auto [entry, fresh] = reads_.try_emplace(id);
    if (!fresh) return entry->second;
    const Node& node = net_.nodes[id];
    std::optional<Reads> found;
    if (id == kOneNode) {
      found.emplace();
    } else if (is_number(id)) {
      found = Reads{id};
    } else if (node.kind == Kind::kLinear || node.is_gated()) {
      const auto value = reads_of(node.value), gate = reads_of(node.gate);
      if (value && gate) found = united(*value, *gate);
      if (found && combinations(*found) > kLongestTable) found.reset();
    }
    if (can_be_read(id) && (!found || combinations({id}) < combinations(*found))) found = Reads{id};
    return reads_[id] = std::move(found);
  }

  // Multiplies the term out. `outside`: by what it is multiplied.
  bool split(const Term& term, const Part& outside, std::vector<Part>& parts) {
    const Node& node = net_.nodes[term.node];
    Part part = outside;
    if (++work_ > kMostWork || parts.size() > kMostParts ||
        __builtin_mul_overflow(part.weight, term.weight, &part.weight))
      return false;
    if ((node.kind == Kind::kLinear || node.is_gated()) && !is_number(term.node)) {
      Part inside = part;
      const auto gate = reads_of(node.gate);
      if (node.is_gated()) inside.gates.push_back(term.node);
      if (gate) inside.reads = united(inside.reads, *gate);
      const std::size_t before = parts.size();
      if (gate && combinations(inside.reads) <= kLongestTable &&
          std::all_of(node.value.begin(), node.value.end(),
                      [&](const Term& inner) { return split(inner, inside, parts); }))
        return true;
      parts.resize(before);
    }
    if (term.node != kOneNode) {
      if (!can_be_read(term.node)) return false;
      part.reads = united(part.reads, {term.node});
    }
    part.leaf = term.node;
    if (combinations(part.reads) > kLongestTable) return false;
    parts.push_back(std::move(part));
    return true;
  }

  // The places of tokens, and the other numbers, that are read.
  std::set<NodeId> inputs_of(const Reads& reads) const {
    std::set<NodeId> inputs;
    for (const NodeId id : reads) inputs.insert(is_column(id) ? net_.nodes[id].at : id);
    return inputs;
  }

  // Parts that read most come first: those that read less of the same are taken along.
  std::vector<Table> shared_out(std::vector<Part>& parts) {
    std::stable_sort(parts.begin(), parts.end(),
                     [](const Part& a, const Part& b) { return a.reads.size() > b.reads.size(); });
    std::vector<Table> tables;
    for (const Part& part : parts) {
      work_ += 8 * tables.size();
      const auto has_all = [&](const Table& table) {
        return std::includes(table.reads.begin(), table.reads.end(), part.reads.begin(), part.reads.end());
      };
      const auto has_room = [&](const Table& table) {
        return inputs_of(table.reads) == inputs_of(part.reads) &&
               combinations(united(table.reads, part.reads)) <= kLongestTable;
      };
      auto table = std::find_if(tables.begin(), tables.end(), has_all);
      if (table == tables.end()) table = std::find_if(tables.begin(), tables.end(), has_room);
      if (table == tables.end()) table = tables.emplace(tables.end());
      table->reads = united(table->reads, part.reads);
      table->parts.push_back(part);
    }
    return tables;
  }

  // Of one token: a column. Else a look at each token, and the function.
  std::size_t operators_of(const Table& table) const {
    std::set<NodeId> places;
    for (const NodeId id : table.reads)
      if (is_column(id)) places.insert(net_.nodes[id].at);
    return inputs_of(table.reads).size() == 1 ? 1 : 1 + places.size();
  }

  Rows rows_of(const std::vector<NodeId>& columns) const {
    Rows rows;
    rows.row_of.assign(net_.bias.size(), 0);
    rows.first_token.assign(1, 0);
    for (const NodeId column : columns) {
      const TokenTable& table = net_.table(net_.nodes[column]);
      const auto low = static_cast<std::int64_t>(net_.intervals[column].low);
      const auto width = static_cast<std::int64_t>(net_.intervals[column].high) - low + 1;
      // Per row so far and value of the column the row with both.
      std::vector<std::int64_t> next(rows.first_token.size() * static_cast<std::size_t>(width), -1);
      rows.first_token.clear();
      for (std::size_t token = 0; token < table.size(); ++token) {
        const std::int64_t value = std::clamp(table[token], low, low + width - 1) - low;
        std::int64_t& row = next[static_cast<std::size_t>(rows.row_of[token] * width + value)];
        if (row < 0) {
          row = static_cast<std::int64_t>(rows.first_token.size());
          rows.first_token.push_back(token);
        }
        rows.row_of[token] = row;
      }
    }
    return rows;
  }

  // What the gate lets through of 1, and the value of an expression, of the numbers in values_.
  Wide let_through(const Node& node) {
    const Wide gate = value_of(node.gate);
    switch (node.kind) {
      case Kind::kProduct: return std::max<Wide>(0, gate);
      case Kind::kStep: return gate >= 1 ? 1 : 0;
      default: return gate == 0 ? 1 : 0;
    }
  }
  Wide value_of(const Expr& expr) {
    Wide sum = 0;
    for (const Term& term : expr) {
      if (++work_ > kMostWork) return 0;  // whoever fills a table notices
      const Node& node = net_.nodes[term.node];
      const bool known = is_known_value_[term.node];
      Wide value = known ? Wide{values_[term.node]} : value_of(node.value);
      if (!known && node.is_gated()) value = times(value, let_through(node));
      sum = plus({sum, 0}, {times(value, term.weight), 0}).low;
    }
    return sum;
  }

  // The table as an expression of new nodes; nothing where it would be too much.
  std::optional<Expr> tabulated(const Table& table) {
    std::map<NodeId, std::vector<NodeId>> columns;
    Reads numbers;
    for (const NodeId id : table.reads)
      if (is_column(id))
        columns[net_.nodes[id].at].push_back(id);
      else
        numbers.push_back(id);
    Digits digits;
    std::size_t entries = 1;
    for (const auto& [at, read] : columns) {
      digits.tokens.push_back({at, read, rows_of(read), entries});
      entries *= digits.tokens.back().rows.first_token.size();
    }
    Expr index;
    for (const NodeId id : numbers) {
      const auto low = static_cast<std::int64_t>(net_.intervals[id].low);
      add_scaled(index, Expr{{id, 1}}, static_cast<std::int64_t>(entries));
      add_scaled(index, constant(low), -static_cast<std::int64_t>(entries));
      digits.numbers.push_back({id, low, static_cast<std::size_t>(net_.intervals[id].high - low + 1)});
      entries *= digits.numbers.back().size;
    }
    work_ += digits.tokens.size() * net_.bias.size();
    if (work_ > kMostWork || entries > kTableEntries - net_.table_entries) return std::nullopt;
    Function function;
    function.values.reserve(entries);
    values_.assign(net_.nodes.size(), 0);
    is_known_value_.assign(net_.nodes.size(), false);
    values_[kOneNode] = 1;
    is_known_value_[kOneNode] = true;
    for (const NodeId id : table.reads) is_known_value_[id] = true;
    if (!fill(table, digits, function.values)) return std::nullopt;
    const bool one_token = digits.tokens.size() == 1 && numbers.empty();
    for (const TokenDigit& digit : digits.tokens) {
      TokenTable column;
      for (const std::int64_t row : digit.rows.row_of)
        column.push_back(one_token ? function.values[static_cast<std::size_t>(row)]
                                   : row * static_cast<std::int64_t>(digit.stride));
      add_scaled(index, net_.term(Node::token_at(net_.tables.add(std::move(column)), digit.at)), 1);
    }
    if (one_token) return index;
    return net_.term(Node::function(net_.add_function(std::move(function)), index));
  }

  struct TokenDigit {
    NodeId at;
    std::vector<NodeId> columns;
    Rows rows;
    std::size_t stride;
  };
  struct NumberDigit {
    NodeId number;
    std::int64_t low;
    std::size_t size;
  };
  struct Digits {
    std::vector<TokenDigit> tokens;  // from the lowest
    std::vector<NumberDigit> numbers;
  };

  // Appends the values for all combinations. What only the numbers decide is computed once for each of
  // theirs.
  bool fill(const Table& table, const Digits& digits, std::vector<std::int64_t>& values) {
    std::size_t combinations = 1;
    for (const NumberDigit& digit : digits.numbers) combinations *= digit.size;
    for (std::size_t c = 0; c < combinations; ++c) {
      std::size_t rest = c;
      for (const NumberDigit& digit : digits.numbers) {
        values_[digit.number] = digit.low + static_cast<std::int64_t>(rest % digit.size);
        rest /= digit.size;
      }
      std::map<std::pair<std::vector<NodeId>, NodeId>, Wide> sum;  // by gates and leaf
      for (const Part& part : table.parts) {
        Wide weight = part.weight;
        std::vector<NodeId> gates;
        for (const NodeId gate : part.gates)
          if (reads_numbers_alone(gate))
            weight = times(weight, let_through(net_.nodes[gate]));
          else
            gates.push_back(gate);
        NodeId leaf = part.leaf;
        if (!is_column(leaf)) weight = times(weight, values_[std::exchange(leaf, kOneNode)]);
        Wide& all = sum[{gates, leaf}];
        all = plus({all, 0}, {weight, 0}).low;
      }
      std::erase_if(sum, [](const auto& entry) { return entry.second == 0; });
      if (!fill_rows(sum, digits, digits.tokens.size(), values)) return false;
    }
    return true;
  }

  template <class Sum>
  bool fill_rows(const Sum& sum, const Digits& digits, std::size_t digit, std::vector<std::int64_t>& values) {
    if (digit-- > 0) {
      const TokenDigit& token = digits.tokens[digit];
      for (const std::size_t first : token.rows.first_token) {
        for (const NodeId column : token.columns) values_[column] = net_.table(net_.nodes[column])[first];
        if (!fill_rows(sum, digits, digit, values)) return false;
      }
      return true;
    }
    Wide total = 0;
    for (const auto& [part, weight] : sum) {
      Wide product = times(weight, values_[part.second]);
      for (const NodeId gate : part.first) {
        if (product == 0) break;
        product = times(product, let_through(net_.nodes[gate]));
      }
      total = plus({total, 0}, {product, 0}).low;
    }
    work_ += sum.size();
    if (total > kLargest || total < -kLargest || work_ > kMostWork) return false;
    values.push_back(static_cast<std::int64_t>(total));
    return true;
  }

  bool reads_numbers_alone(NodeId gate) {
    const auto reads = reads_of(net_.nodes[gate].gate);
    return std::none_of(reads->begin(), reads->end(), [&](NodeId id) { return is_column(id); });
  }

  Network& net_;
  const Division& division_;
  const std::vector<NodeId>& renumbered_;
  std::map<NodeId, bool> reads_token_;
  std::map<NodeId, std::optional<Reads>> reads_;
  // While a table is filled: of what it reads.
  std::vector<std::int64_t> values_;
  std::vector<bool> is_known_value_;
  std::size_t work_ = 0;
};

}  // namespace

Network tabulate(Network network, Division& division) {
  std::vector<NodeId> renumbered;
  std::optional<Tabulator> tabulator;
  Network made = live_copy(
      std::move(network),
      [&](Network& copy, Expr sum) {
        if (!tabulator) tabulator.emplace(copy, division, renumbered);
        return tabulator->run(sum);
      },
      renumbered);
  for (NodeId& id : division.class_nodes) id = renumbered[id];
  for (Selector& selector : division.selectors) {
    selector.at = renumbered[selector.at];
    for (NodeId& id : selector.nodes) id = renumbered[id];
  }
  return made;
}

Subject make_subject(Network folded) {
  Subject subject;
  subject.division = choose_division(folded, live_nodes(folded));
  narrow_intervals(folded, subject.division);
  subject.network = tabulate(std::move(folded), subject.division);
  narrow_intervals(subject.network, subject.division);
  subject.find_uses();
  return subject;
}

}  // namespace tvm::plan
