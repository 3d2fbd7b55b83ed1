// What generated kernels and the library share: the stores of records, the state of a run, and the ABI of a
// kernel's shared object. Everything here has the layout of C, as a kernel may come from another compiler.
//
// Enters: a state at the begin of a block.  Leaves: the state at the begin of the position, or the block,
// that the kernel does not run.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tvm::kernel {

// Changed with anything below. A kernel of another number is not used.
inline constexpr std::uint32_t kAbi = 9;

// Plans are of models with at most kMostTokens tokens.
using Token = std::uint16_t;
inline constexpr std::size_t kMostTokens = std::size_t{1} << 16;

// The position that wrote a row, with which the row begins: 48 bits, so that columns of a byte or two fit
// behind them in the same 8. `high` is negative where nobody wrote it.
inline constexpr std::int64_t kMostPositions = std::int64_t{1} << 47;
template <class Row>
std::int64_t now_in(const Row& row) {
  return std::int64_t{row.high} << 32 | row.low;
}
template <class Row>
void stamp(Row& row, std::int64_t now) {
  row.low = static_cast<std::uint32_t>(now);
  row.high = static_cast<std::int16_t>(now >> 32);
}

// Records by integer key, in pages of kPageSize neighbouring keys. A row is its position and columns:
// unsigned numbers of 1, 2, 4 or 8 bytes, less the column's least value. Pages never move.
struct Store {
  static constexpr std::int64_t kPageBits = 6, kPageSize = std::int64_t{1} << kPageBits;

  unsigned char** pages;  // the directory: of keys from `low` on, `none` where there is no page
  std::int64_t low;       // a multiple of kPageSize
  std::uint64_t span;     // keys that the directory covers
  std::uint64_t records;  // 0: the store is empty
  unsigned char* none;    // a page of rows that nobody wrote; never written
};

struct State;

// How a kernel leaves: about to run the block, after the branch of it, or after it.
enum class Left : std::uint32_t { kBefore, kAtBranch, kAfter };

// The stores of the model lie behind it, behind these the registers, and then the features of a prediction.
struct State {
  // A row of a key that the directory does not cover; for writing, also where the page is missing: null when
  // memory ran out.
  const unsigned char* (*find)(State*, std::uint32_t store, std::int64_t key);
  unsigned char* (*place)(State*, std::uint32_t store, std::int64_t key);
  // The token that the features predict, where there are too many of them for a table; negative where that is
  // not known.
  std::int32_t (*predict)(State*);
  void* owner;
  // Where the kernel left.
  std::uint64_t position;
  std::uint32_t block;
  Left left;
  std::int32_t found;  // verifying: the prediction that differs
  // Tokens before `held` are held, and from `again` on. What may be elsewhere is read there, or not by the
  // kernel.
  std::uint64_t held, again;
};

inline Store* stores_of(State* state) { return reinterpret_cast<Store*>(state + 1); }
inline std::int64_t* registers_of(State* state, std::size_t stores) {
  return reinterpret_cast<std::int64_t*>(stores_of(state) + stores);
}
static_assert(sizeof(State) % alignof(Store) == 0 && sizeof(Store) % alignof(std::int64_t) == 0);

// A kernel is entered at this position or later, so that it need not look whether tokens a little way back
// are there.
inline constexpr std::int64_t kFirstEntered = 16;

// A block as a function. It goes on with the next block's by a call in its place, so that no call is deeper
// than another. Two running sums are passed in registers of the processor.
using Run = void (*)(State*, Token* tokens, std::int64_t position, std::int64_t limit, std::int64_t sum0,
                     std::int64_t sum1);

// How the library makes a block anew: the step from a context (the one that block `parent` leaves, or the
// start) with a token of this class, or the target of the branch `parent` with this index.
struct Recipe {
  std::uint32_t parent;
  std::uint32_t index;   // twice the class, + 1 if it predicts; or the target
  std::uint32_t branch;  // 1: a target
  std::uint32_t after;   // the block whose context after it is the same: the first such
  std::uint64_t tape;    // fingerprint of its tape
  std::uint64_t known;   // and of what is known after it; 0 where it branches
};
// Contexts that no block leaves: at the start, and where nothing is known.
inline constexpr std::uint32_t kStart = UINT32_MAX, kNothing = UINT32_MAX - 1;

// What the symbol `tvm_kernel` of a shared object gives.
struct Kernel {
  std::uint32_t abi;
  std::int32_t first_token;  // of the sequences that it is for
  std::int32_t stop;         // the token that ends them
  const char* library;       // version
  std::uint64_t model;       // fingerprint of the plan (plan/specialize/fingerprint.hpp)
  std::uint32_t sums[2];     // the running sums that are passed
  std::uint32_t blocks;
  const Recipe* recipes;
  const Run* generate;  // per block; null where it cannot be entered
  const Run* verify;
};

}  // namespace tvm::kernel
