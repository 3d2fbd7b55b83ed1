// Functions of a few small numbers become tables.
//
// Enters: a network with narrow intervals, and its division.  Leaves: the same network without the nodes that
// nobody reads, in which a sum of products of small numbers (bits of a token at some place, a count of at
// most eight) is a sum of a few tables; the division in its numbers.
//
// A sum is multiplied out into parts: a column of a token found at some place, times what a few gates let
// through. Parts that read the same places and numbers share a table, as many as fit. A table is over the
// distinct rows that a token's columns have, so that it takes one look at the token however many columns are
// read; what is over one token alone is a column itself. The numbers are the highest digits of the index:
// where a tape knows them, its part of the table is contiguous, and intervals prove a part of zeros zero.
//
// A bitwise operation is such a sum, of products of two bits each; a shift is one, of 16 bits times a
// function of the count.
#pragma once

#include "plan/specialize/division.hpp"

namespace tvm::plan {

// The intervals of `division` are not those of the result (narrow_intervals).
Network tabulate(Network network, Division& division);

// The folded network with all that tapes are made from.
Subject make_subject(Network folded);

}  // namespace tvm::plan
