// A model: checked when it is read, immutable afterwards, shared by any number of runs.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/large_block.hpp"

namespace tvm {

// The residual slots that every input carries (positions count from 0).
enum Slot : std::int32_t { kPosition = 0, kRecency = 1, kPositionSquared = 2 };

// r(p) = 1/ln 2 - 1/ln(p + 2): strictly increasing, within [0, kRecencyBound).
inline constexpr double kRecencyBound = 1.4427;
double recency(std::uint64_t position);

// What the score of a head comes to (kinds.cpp), by the numbers of the file and of tvm_head_kind.
enum class HeadKind : std::int32_t { kLookup, kPassthrough, kGather, kAverage, kUnused };

using Matrix = std::span<const double>;

struct Layer {
  Matrix qkv;  // (3D, D): all queries, all keys, all values
  Matrix out;  // (D, D)
  Matrix in;   // (2F, D): gates, then values
  Matrix ffn;  // (D, F)
  std::vector<std::int32_t> attention_erase;
  std::vector<std::int32_t> ffn_erase;
};

struct Model {
  std::int32_t vocabulary = 0, width = 0, heads = 0, neurons = 0, stop = 0;
  std::vector<std::string> tokens;   // V spellings
  LargeBlock<double> weights;        // of all matrices
  Matrix embedding;                  // (V, D)
  std::vector<Layer> layers;         // L
  Matrix head;                       // (V, D)
  std::vector<std::int32_t> latest;  // (L, H): 1 LATEST, 0 AVERAGE
  std::vector<HeadKind> kinds;       // (L, H)
  bool kinds_stored = false;
  std::string metadata;  // the JSON block, "" when there is none

  std::size_t head_index(std::size_t layer, std::size_t head_) const {
    return layer * static_cast<std::size_t>(heads) + head_;
  }
};

// Reads and checks the bytes of a model file; `name` opens error messages. Throws Error.
Model read_model(std::span<const unsigned char> bytes, const std::string& name);

// Reads a whole file. Throws Error (Status::kFile).
std::vector<unsigned char> read_file(const char* path);

// Finds the kind of every head from the weights; where the file stored kinds, each must be what
// the weights say (0, lookup, always is). Throws Error (Status::kModel) naming layer and head.
void classify_heads(Model& model, const std::vector<std::int32_t>& stored, const std::string& name);

}  // namespace tvm
