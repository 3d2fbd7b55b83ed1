// Scan, hull and key table against attention written down with 128-bit integers; value histories.
#include <cmath>
#include <random>
#include <vector>

#include "base/error.hpp"
#include "check.hpp"
#include "layers/attention/finder.hpp"
#include "layers/attention/history.hpp"
#include "layers/attention/key_table.hpp"
#include "model/model.hpp"

namespace {

using Wide = __int128;
std::mt19937_64 random_source(11);
std::int64_t between(std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution<std::int64_t>(low, high)(random_source);
}

struct Past {
  std::int64_t x, y, clear;
  double value;
};

// The winners of a query over exact integers; recency, if any, decides among equal scores.
tvm::Found oracle(const std::vector<Past>& past, std::int64_t q0, std::int64_t q1, bool recency) {
  tvm::Found found;
  bool any = false;
  Wide best = 0;
  std::int64_t least = 0;
  for (std::size_t i = 0; i < past.size(); ++i) {
    const Wide score = Wide{q0} * past[i].x + Wide{q1} * past[i].y;
    const std::int64_t clear = q1 > 0 ? past[i].clear : 0;
    const bool better = !any || clear < least || (clear == least && score > best);
    const bool equal = any && clear == least && score == best;
    if (!better && !equal) continue;
    const bool newest_alone = recency && q1 > 0;
    if (better || newest_alone) found.sums = {};
    found.newest = i;
    found.sums.add(past[i].value, -past[i].value);
    any = true, best = score, least = clear;
  }
  return found;
}

bool agrees(const tvm::Finder& finder, const tvm::Found& expected, std::int64_t q0, std::int64_t q1,
            bool latest) {
  const auto found = finder.find(static_cast<double>(q0), static_cast<double>(q1));
  if (latest) return found.newest == expected.newest;
  return found.sums.v0 == expected.sums.v0 && found.sums.v1 == expected.sums.v1 &&
         found.sums.count == expected.sums.count;
}

// Integer keys of every shape: small grids (duplicates, collinear), parabolas, far apart.
void general_keys() {
  for (int round = 0; round < 400; ++round) {
    const bool latest = round % 2 == 0, recency = latest && round % 3 == 0, cleared = round % 5 == 0;
    const std::int64_t range = round % 7 == 0 ? 1000000 : between(1, 12);
    const auto scan = tvm::make_scan(latest), hull = tvm::make_hull(latest, true);
    std::vector<Past> past;
    for (int p = 0; p < (round % 10 == 0 ? 700 : 60); ++p) {
      Past now{between(-range, range), between(-range, range), cleared ? between(0, 2) : 0,
               static_cast<double>(between(0, 99))};
      if (round % 4 == 1) now.y = -now.x * now.x;
      if (round % 4 == 2) now.x = p % 17, now.y = -now.x / 2 * 3;
      past.push_back(now);
      const tvm::Key key{static_cast<double>(now.x), static_cast<double>(now.y),
                         recency ? 0.3 * tvm::recency(p) : 0.0};
      for (auto* finder : {scan.get(), hull.get()})
        finder->insert(key, static_cast<double>(now.clear), now.value, -now.value);
      for (int q = 0; q < 4; ++q) {
        const std::int64_t q0 = q == 3 ? 0 : between(-range, range);
        const std::int64_t q1 = q == 2 ? 0 : cleared || recency ? between(0, 2) : between(-2, 3);
        const auto expected = oracle(past, q0, q1, recency);
        CHECK(agrees(*scan, expected, q0, q1, latest));
        CHECK(agrees(*hull, expected, q0, q1, latest));
      }
    }
  }
}

// Keys and queries of any float64: scan and hull agree, and see differences far below an ulp of a score.
void float_keys() {
  std::uniform_real_distribution<double> real(-1.0, 1.0);
  for (int round = 0; round < 100; ++round) {
    const bool latest = round % 2 == 0;
    const auto scan = tvm::make_scan(latest), hull = tvm::make_hull(latest, true);
    const double share = round % 3 == 0 ? 0.0 : real(random_source);
    const double size = round % 4 == 0 ? 1e12 : 1.0;
    for (int p = 0; p < 300; ++p) {
      tvm::Key key{size * real(random_source), size * real(random_source), share * tvm::recency(p)};
      if (round % 5 == 0)
        key.y = 3.0 - 2.0 * key.x;  // nearly collinear: only rounding keeps them off the line
      scan->insert(key, 0.0, p, 0.0), hull->insert(key, 0.0, p, 0.0);
      for (int q = 0; q < 3; ++q) {
        const double q1 = real(random_source), q0 = round % 5 == 0 ? 2.0 * q1 : real(random_source);
        const auto a = scan->find(q0, q1), b = hull->find(q0, q1);
        CHECK(latest ? a.newest == b.newest : a.sums.count == b.sums.count && a.sums.v0 == b.sums.v0);
      }
    }
  }
}

void integer_keys() {
  for (int round = 0; round < 200; ++round) {
    const std::int64_t range = round % 5 == 0   ? (std::int64_t{1} << 52)
                               : round % 5 == 1 ? 90000000
                                                : between(1, 300);
    tvm::KeyTable table(0.3);
    std::vector<std::pair<std::int64_t, std::int64_t>> past;  // key, clear
    for (int p = 0; p < 500; ++p) {
      const std::int64_t k = between(-range, range), clear = round % 2 ? between(0, 3) : 0;
      past.emplace_back(k, clear);
      const double number = static_cast<double>(k);
      table.insert({2 * number, -(number * number), 0.3 * tvm::recency(p)}, static_cast<double>(clear), 0, 0);
      for (int i = 0; i < 3; ++i) {
        const std::int64_t q = i == 0 ? past[static_cast<std::size_t>(between(0, p))].first + between(-1, 1)
                                      : between(-range, range);
        std::size_t best = 0;
        for (std::size_t s = 0; s < past.size(); ++s) {
          const auto rank = [&](std::size_t at) {
            return std::make_pair(past[at].second, std::abs(q - past[at].first));
          };
          if (rank(s) <= rank(best)) best = s;
        }
        CHECK(table.find(static_cast<double>(q), 1.0).newest == best);
      }
      std::size_t highest = 0;
      for (std::size_t s = 0; s < past.size(); ++s)
        if (past[s].first >= past[highest].first) highest = s;
      CHECK(table.find(5.0, 0.0).newest == highest && table.find(0.0, 0.0).newest == past.size() - 1);
    }
  }
}

// Fractions in queries, and keys that leave the parabola: the table does what a scan does.
void table_like_scan() {
  for (int round = 0; round < 100; ++round) {
    const auto scan = tvm::make_scan(true);
    tvm::KeyTable table(0.3);
    for (int p = 0; p < 200; ++p) {
      const double k = static_cast<double>(between(-20, 20));
      tvm::Key key{2 * k, -(k * k), 0.3 * tvm::recency(p)};
      if (round % 2 == 0 && p == 50 + round) key.y -= 0.5;
      if (round % 4 == 1 && p == 50 + round) key.x += 0.25;
      const double clear = static_cast<double>(round % 3 == 0 ? between(p < 100, 2) + (p < 20) : 0);
      if (clear > 1.0 && p % 2) key.y += 7.0;  // off the parabola, but cleared
      scan->insert(key, clear, 0, 0), table.insert(key, clear, 0, 0);
      for (const double q1 : {1.0, 3.0, 0.0}) {
        const double q0 = static_cast<double>(between(-200, 200)) / 8;
        CHECK(scan->find(q0, q1).newest == table.find(q0, q1).newest);
      }
    }
  }
}

// Keys whose squares float64 rounds: neighbours stay apart, equals and equidistant keys go by age.
void rounded_squares() {
  for (int round = 0; round < 60; ++round) {
    const auto scan = tvm::make_scan(true), hull = tvm::make_hull(true, false);
    const std::int64_t base = round % 3 == 0 ? 94906262 : between(0, (std::int64_t{1} << 34) - 40);
    std::vector<std::int64_t> past;
    for (int p = 0; p < 150; ++p) {
      past.push_back(base + between(0, 30));
      const double k = static_cast<double>(past.back());
      for (auto* finder : {scan.get(), hull.get()})
        finder->insert({2 * k, -(k * k), 0.3 * tvm::recency(p)}, 0, 0, 0);
      const std::int64_t q = base + between(-3, 33);
      std::size_t best = 0;
      for (std::size_t s = 0; s < past.size(); ++s)
        if (std::abs(q - past[s]) <= std::abs(q - past[best])) best = s;
      CHECK(scan->find(static_cast<double>(q), 1.0).newest == best);
      CHECK(hull->find(static_cast<double>(q), 1.0).newest == best);
    }
  }
  for (const auto& finder : {tvm::make_scan(true), tvm::make_hull(true, false)}) {
    bool refused = false;
    try {
      finder->insert({0x1.8p36, -0x1.8p35 * 0x1.8p35, 0}, 0, 0, 0);
    } catch (const tvm::Error& error) {
      refused = error.status() == tvm::Status::kLimit;
    }
    CHECK(refused);
  }
}

// Below 2^53 no square is rounded: a key beside the parabola is one.
void beside_the_parabola() {
  const auto scan = tvm::make_scan(true);
  tvm::KeyTable table(0.0);
  const double k = 3e7;
  const tvm::Key keys[] = {{2 * k, -(k * k), 0}, {2 * (k + 1), -(k + 1) * (k + 1) + 1, 0}, {0, 0, 0}};
  for (const auto& key : keys)
    for (auto* finder : {static_cast<tvm::Finder*>(scan.get()), static_cast<tvm::Finder*>(&table)})
      finder->insert(key, 0, 0, 0);
  CHECK(scan->find(k, 1.0).newest == 1);  // equal scores: the newer
  CHECK(table.find(k, 1.0).newest == 1);
}

void histories() {
  tvm::ValueHistory history;
  std::vector<double> kept;
  const auto value = [](std::size_t i) -> double {
    switch (i / 2000 % 7) {
      case 0: return 7.0;
      case 1: return static_cast<double>(i % 256);
      case 2: return -static_cast<double>(i);
      case 3: return 4294967295.0 - static_cast<double>(i);
      case 4: return -1e9 + static_cast<double>(i);
      case 5: return static_cast<double>(i) / 3;
      default: return i % 2 ? -0.0 : 1e300;
    }
  };
  for (std::size_t i = 0; i < 30000; ++i) {
    kept.push_back(value(i));
    const double negative = -kept[i];
    history.append(&kept[i], &negative, 1);
    for (const std::size_t at :
         {i, i / 2, static_cast<std::size_t>(between(0, static_cast<std::int64_t>(i)))})
      CHECK(history.at(at, 0) == kept[at] && history.at(at, 1) == -kept[at]);
  }
}

}  // namespace

int main() {
  general_keys();
  float_keys();
  integer_keys();
  table_like_scan();
  rounded_squares();
  beside_the_parabola();
  histories();
}
