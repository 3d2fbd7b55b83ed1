#include "layers/head_envelope.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

namespace tvm {
namespace {

struct Form {
  Row direction;
  std::size_t constant;  // the column whose weights are not in proportion
  std::size_t pivot;     // of direction: not zero
  auto operator<=>(const Form&) const = default;
};

// Three rows in a row: their differences are the same but for one column.
std::optional<Form> form_of(const Row& a, const Row& b, const Row& c) {
  Form form{Row(a.size()), a.size(), a.size()};
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double step = b[i] - a[i];
    if (c[i] - b[i] != step) {
      if (form.constant != a.size()) return std::nullopt;
      form.constant = i;
    } else {
      form.direction[i] = step;
      if (step != 0.0 && form.pivot == a.size()) form.pivot = i;
    }
  }
  if (form.constant == a.size() || form.pivot == a.size()) return std::nullopt;
  return form;
}

std::optional<Form> most_frequent_form(const Rows& rows) {
  std::map<Form, int> found;
  for (std::size_t i = 0; i + 2 < rows.size(); ++i)
    if (const auto form = form_of(rows[i], rows[i + 1], rows[i + 2])) ++found[*form];
  const auto most = std::max_element(found.begin(), found.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == found.end()) return std::nullopt;
  return most->first;
}

// Integers that leave room for what is computed with them here.
bool small_integers(const Rows& rows) {
  const auto small = [](double w) { return w == std::rint(w) && std::abs(w) < 0x1p51; };
  return std::all_of(rows.begin(), rows.end(),
                     [&](const Row& row) { return std::all_of(row.begin(), row.end(), small); });
}

// to += factor * row
void add(Row& to, double factor, const Row& row) {
  for (std::size_t i = 0; i < row.size(); ++i) to[i] += factor * row[i];
}

Row magnitudes(Row row) {
  for (double& w : row) w = std::abs(w);
  return row;
}

std::vector<std::size_t> every(const Rows& rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  return order;
}

std::vector<std::int32_t> targets(const Rows& rows) {
  std::vector<std::int32_t> targets(rows.size());
  std::iota(targets.begin(), targets.end(), 0);
  return targets;
}

}  // namespace

std::unique_ptr<HeadEnvelope> HeadEnvelope::make(const Rows& rows) {
  if (!small_integers(rows)) return nullptr;
  const auto form = most_frequent_form(rows);
  if (!form) return nullptr;
  // The rows of each base: of equal t the greatest c wins, of equal c the first token.
  struct Best {
    double c, token;
  };
  std::map<Row, std::map<double, Best>> groups;
  for (std::size_t id = 0; id < rows.size(); ++id) {
    Row base = rows[id];
    const double c = std::exchange(base[form->constant], 0.0);
    double t = base[form->pivot] / form->direction[form->pivot];
    Row without = base;
    add(without, -t, form->direction);
    if (t == std::rint(t) && small_integers({without}))
      base = std::move(without);
    else
      t = 0.0;
    const auto [best, first] = groups[base].try_emplace(t, Best{c, static_cast<double>(id)});
    if (!first && c > best->second.c) best->second = {c, static_cast<double>(id)};
  }
  if (4 * groups.size() > rows.size()) return nullptr;

  Row constant(rows[0].size(), 0.0);
  constant[form->constant] = 1.0;
  std::map<std::vector<Line>, Family> families;
  Rows sums, checked;
  for (const auto& [base, group] : groups) {
    const auto& [first_t, first] = *group.begin();
    std::vector<Line> lines;
    std::vector<double> tokens;
    double height = 0.0;
    for (const auto& [t, best] : group) {
      lines.push_back({t - first_t, best.c - first.c});
      tokens.push_back(best.token);
      height = std::max(height, std::abs(best.c - first.c));
    }
    // The first row of the group stands for the base: its own sums are no larger than the head's.
    Row whole = base;
    add(whole, first_t, form->direction);
    add(whole, first.c, constant);
    Family& family = families[lines];
    family.bases.push_back(sums.size());
    family.tokens.push_back(std::move(tokens));
    // Twice all terms, so that they can be added in any order; the last one makes it a sum of several terms.
    Row terms = magnitudes(whole);
    add(terms, lines.back().t, magnitudes(form->direction));
    add(terms, height + 1.0, constant);
    add(terms, 1.0, Row(terms));
    sums.push_back(std::move(whole));
    checked.push_back(std::move(terms));
  }
  sums.push_back(form->direction);
  sums.push_back(constant);
  std::vector<Family> all;
  for (auto& [lines, family] : families) {
    family.lines = lines;
    for (std::size_t i = 0; i < lines.size(); ++i)
      family.hull.insert({lines[i].t, lines[i].c, 0.0}, i, [i](std::uint64_t) { return i; });
    all.push_back(std::move(family));
  }
  return std::unique_ptr<HeadEnvelope>(new HeadEnvelope(std::move(all), sums, checked));
}

HeadEnvelope::HeadEnvelope(std::vector<Family> families, const Rows& sums, const Rows& checked)
    : families_(std::move(families)),
      bases_(checked.size()),
      rows_(sums, every(sums), targets(sums)),
      slices_(sums, every(sums)),
      exact_(checked, checked[0].size()) {}

OutputHead::Choice HeadEnvelope::choose(const double* sums, std::size_t stride) const {
  const double s = sums[bases_ * stride], constant = sums[(bases_ + 1) * stride];
  OutputHead::Choice best{-HUGE_VAL, -1.0};
  for (const Family& family : families_) {
    double highest = -HUGE_VAL;
    for (const std::size_t base : family.bases) highest = std::max(highest, sums[base * stride]);
    family.hull.best(s, constant, [&](std::uint64_t line) {
      const double score = highest + family.lines[line].t * s + family.lines[line].c * constant;
      if (score < best.score) return;
      for (std::size_t i = 0; i < family.bases.size(); ++i) {
        const double token = family.tokens[i][line];
        if (sums[family.bases[i] * stride] == highest && (score > best.score || token < best.token))
          best = {score, token};
      }
    });
  }
  return best;
}

bool HeadEnvelope::one(const double* x, double* scratch, OutputHead::Choice& choice) const {
  if (!exact_.hold(x, 1)) return false;
  kernels().slices(slices_.view(), x, scratch);
  if (!(scratch[bases_ + 1] > 0.0)) return false;
  choice = choose(scratch, 1);
  return true;
}

bool HeadEnvelope::tile(const double* x, double* scratch, double* score, double* token) const {
  if (!exact_.hold(x, kLanes)) return false;
  kernels().sparse(rows_.view(), x, scratch);
  const double* constant = scratch + (bases_ + 1) * kLanes;
  if (!std::all_of(constant, constant + kLanes, [](double c) { return c > 0.0; })) return false;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const OutputHead::Choice best = choose(scratch + lane, kLanes);
    score[lane] = best.score, token[lane] = best.token;
  }
  return true;
}

}  // namespace tvm
