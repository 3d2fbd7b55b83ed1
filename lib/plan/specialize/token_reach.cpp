#include "plan/specialize/token_reach.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "plan/ir/declined.hpp"

namespace tvm::plan {
namespace {

// Numbers that vary no more than this are offsets.
constexpr Wide kSmall = 64;
// An index that may be more sums than this, or takes more steps to look through, counts as far.
constexpr std::size_t kMostSums = 32, kMostSteps = 4096;

// What an index may be, as one of several sums: bases with weights, and a number within an interval.
struct Sum {
  Expr bases;
  Interval rest;
};
using Sums = std::vector<Sum>;

class Reach {
 public:
  Reach(const Subject& subject, PartialEvaluator& evaluator)
      : net_(subject.network), bases_(subject.bases), evaluator_(evaluator) {}

  bool near(NodeId index) {
    const Sums sums = of(index);
    return !unknown_ && std::all_of(sums.begin(), sums.end(), [&](const Sum& sum) { return near(sum); });
  }

 private:
  // An index is cut at 0, the first token, and at the position, which is recent.
  bool near(const Sum& sum) const {
    if (sum.bases.empty()) return sum.rest.high < kFirst;
    if (sum.bases.size() > 1 || sum.bases[0].weight != 1) return false;
    if (sum.bases[0].node == kPositionNode) return sum.rest.low > -kRecent;
    return sum.rest.low >= -kBefore && sum.rest.high <= kBehind;
  }

  Sums nothing_known() {
    unknown_ = true;
    return {};
  }

  Sums of(NodeId id) {
    const Expr residual = evaluator_.residual(id);
    return residual == Expr{{id, 1}} ? of_register(id) : of(residual);
  }

  // The sum of residuals' terms, each of them one of its sums.
  Sums of(const Expr& residual) {
    Sums all{{}};
    for (const Term& term : residual) {
      if (unknown_) return {};
      const Sums parts = term.node == kOneNode ? Sums{{{}, {1, 1}}} : of_register(term.node);
      if (all.size() * parts.size() > kMostSums) return nothing_known();
      Sums more;
      for (const Sum& sum : all)
        for (const Sum& part : parts) {
          Sum next = sum;
          add_scaled(next.bases, part.bases, term.weight);
          next.rest = plus(next.rest, scaled(part.rest, term.weight));
          more.push_back(std::move(next));
        }
      all = std::move(more);
    }
    return all;
  }

  // A node that is no other expression here. What it is follows from the node, however its register was
  // filled.
  Sums of_register(NodeId id) {
    if (unknown_ || ++steps_ > kMostSteps) return nothing_known();
    const Node& node = net_.nodes[id];
    if (id == kPositionNode || (node.kind == Kind::kFound && bases_.has(net_, id))) return {{{{id, 1}}, {}}};
    const Expr self{{id, 1}};
    if (const Interval all = evaluator_.interval(self); all.high - all.low < kSmall) return {{{}, all}};
    switch (node.kind) {
      case Kind::kLinear: return of(evaluator_.substitute(node.value));
      case Kind::kIndex: {
        Sums sums = of(evaluator_.substitute(node.value));
        const Sums cut = node.at == kOneNode ? Sums{{{{kPositionNode, 1}}, {}}} : of(node.at);
        sums.insert(sums.end(), cut.begin(), cut.end());
        sums.push_back({});
        return sums;
      }
      case Kind::kProduct:
        if (evaluator_.interval(evaluator_.substitute(node.gate)).high > 1) return nothing_known();
        [[fallthrough]];
      case Kind::kStep:
      case Kind::kEqual: {
        Sums sums = of(evaluator_.substitute(node.value));
        sums.push_back({});
        return sums;
      }
      default: return nothing_known();
    }
  }

  const Network& net_;
  const TokenBases& bases_;
  PartialEvaluator& evaluator_;
  std::size_t steps_ = 0;
  bool unknown_ = false;
};

}  // namespace

bool is_near(const Subject& subject, PartialEvaluator& evaluator, NodeId index) {
  try {
    return Reach(subject, evaluator).near(index);
  } catch (const Declined&) {  // a weight leaves 64 bits
    return false;
  }
}

}  // namespace tvm::plan
