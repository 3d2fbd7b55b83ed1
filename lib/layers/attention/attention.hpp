// The attention of one layer, as units that can run side by side: each owns some heads and their
// past, reads the projected rows of a chunk of positions and writes the heads' outputs.
//
// Enters: queries, keys and values of consecutive positions.  Leaves: o, two rows per head. What a
// unit holds of the past is all that later positions can ask of it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "layers/attention/finder.hpp"
#include "layers/attention/history.hpp"

namespace tvm {

// Rows x positions. Positions lie in tiles of `lanes`; a tile is (rows, lanes), lanes fastest.
struct Tiles {
  double* data = nullptr;
  std::size_t rows = 0, lanes = 1;
  double* row(std::size_t tile, std::size_t row_) const { return data + (tile * rows + row_) * lanes; }
};

struct Chunk {
  std::uint64_t first;         // position of its first token
  std::size_t count;           // positions
  const std::int32_t* tokens;  // of the whole sequence, from position 0
  const double* recency;       // r(position) of the chunk's positions
};

class AttentionUnit {
 public:
  virtual ~AttentionUnit() = default;
  virtual void run(const Chunk& chunk, const Tiles& projected, const Tiles& out) = 0;
};

// A head's values, for any past position: kept, or computed again where they are a function of the
// token and the position (slope * position + table[token]) in exact integers.
struct Values {
  std::size_t row0, row1;  // of the projection, when kept
  bool computed = false;
  double slope[2] = {0.0, 0.0};
  std::vector<double> table;  // (V, 2)
};

struct HeadValues {
  std::size_t head;
  Values values;
  ValueHistory history;
};

std::unique_ptr<AttentionUnit> make_passthrough(std::size_t head, std::size_t row0, std::size_t row1);

// share: of recency, relative to the square's coefficient (kinds.cpp: is_gather).
std::unique_ptr<AttentionUnit> make_gather(std::size_t q0, std::size_t q1, double share, std::size_t head,
                                           Values values);

// key = (0, k1), AVERAGE (kinds.cpp: is_average).
std::unique_ptr<AttentionUnit> make_average(std::size_t q1, std::size_t k1, std::size_t head,
                                            std::size_t row0, std::size_t row1);

// Heads that share their keys; each query may serve several heads (LATEST). AVERAGE: one query, one head.
struct SearchQuery {
  std::size_t q0, q1;
  std::vector<HeadValues> heads;
};
struct SearchKeys {
  std::size_t k0, k1;
  bool has_clear = false;
  std::size_t clear = 0;
  double recency_share = 0.0;
  bool latest = true;
};
std::unique_ptr<AttentionUnit> make_search(const SearchKeys& keys, std::unique_ptr<Finder> finder,
                                           std::vector<SearchQuery> queries);

}  // namespace tvm
