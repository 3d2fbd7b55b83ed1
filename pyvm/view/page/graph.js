// The network at one position, from the graph and from what its heads remember of the trace.
//
// A dimension is computed from the token, from other dimensions of the position, and from what heads
// find at positions before it, where it is computed in the same way.  Each reads only what lower
// layers made, so this ends.  Dimensions have numbers: three of the position, those of the token,
// and those that layers make.

const MOST_KNOWN = 4096; // positions whose dimensions are kept

class Network {
  constructor(data) {
    this.data = data;
    this.graph = data.network;
    this.known = new Map();
    this.sums = new Map();
    this.stores = new Map();
    const { fetches } = this.graph;
    fetches.forEach((fetch, i) => {
      if (fetch.kind === "mean") fetch.values.forEach((_, k) => this.sums.set(`${i} ${k}`, running(data[`sum ${i} ${k}`])));
      else if (fetch.store === i) {
        this.stores.set(i, { at: running(data[`at ${i}`]), key: data[`key ${i}`], level: data[`level ${i}`] });
      }
    });
  }

  // {values, sources, predicted}: of each dimension its number, of each head the position that it
  // attends to, or -1 for all so far.
  at(position) {
    if (this.known.size > MOST_KNOWN) this.known.clear();
    const { dimensions, fetches, output, points } = this.graph;
    const values = dimensions.map((_, dim) => this.value(dim, position));
    const sources = fetches.map((fetch) => this.source(fetch, position));
    const [kind, value] = output.map((expr) => this.sum(expr, position));
    let chosen = -1, best = [Infinity, Infinity];
    for (const [id, type, number] of points) {
      const near = [Math.abs(type - kind), Math.abs(number - value)];
      if (near[0] < best[0] || (near[0] === best[0] && near[1] < best[1])) (best = near), (chosen = id);
    }
    return { values, sources, predicted: chosen };
  }

  sum(expr, position) {
    let total = 0;
    for (let k = 0; k < expr.length; k += 2) total += expr[k + 1] * this.value(expr[k], position);
    return total;
  }

  value(dim, position) {
    let row = this.known.get(position);
    if (!row) this.known.set(position, (row = new Float64Array(this.graph.dimensions.length).fill(NaN)));
    if (Number.isNaN(row[dim])) row[dim] = this.computed(dim, position);
    return row[dim];
  }

  computed(dim, position) {
    if (dim === 0) return position;
    if (dim === 1) return 1 / Math.LN2 - 1 / Math.log(position + 2);
    if (dim === 2) return position * position;
    const { vocabulary, tokens, embedded } = this.data, made = dim - 3 - this.graph.embedded;
    if (made < 0) return embedded[(dim - 3) * vocabulary.length + tokens[position]];
    const { large, terms } = this.graph.persists[made];
    let total = 0;
    for (const [coefficient, first, second] of terms) {
      if (Array.isArray(first)) {
        const product = this.sum(first, position) * Math.max(0, this.sum(second, position));
        total += coefficient * (large ? product : Math.round(product)); // a mean times the count
      } else total += coefficient * this.found(first, second, position);
    }
    return total;
  }

  // One of the values that a head finds.
  found(head, index, position) {
    const fetch = this.graph.fetches[head];
    if (fetch.kind === "mean") return this.sums.get(`${head} ${index}`)[position] / (position + 1);
    return this.sum(fetch.values[index], this.source(fetch, position));
  }

  source(fetch, position) {
    if (fetch.kind === "mean") return -1;
    const query = this.sum(fetch.query, position);
    if (fetch.kind === "gather") return Math.max(0, Math.min(position, query));
    // The newest of those whose key is nearest.
    const { at, key, level } = this.stores.get(fetch.store);
    let n = 0, end = at.length, best = -1, distance = Infinity;
    while (n < end) {
      const middle = (n + end) >> 1;
      if (at[middle] <= position) n = middle + 1;
      else end = middle;
    }
    while (n-- > 0 && distance > 0) {
      const away = Math.abs(key[n] - query);
      if (away < distance) (distance = away), (best = at[n]);
      if (level[n]) break;
    }
    return best;
  }
}

// Sums of all numbers so far.
function running(numbers) {
  const sums = new Float64Array(numbers.length);
  let total = 0;
  for (let i = 0; i < numbers.length; i++) sums[i] = total += numbers[i];
  return sums;
}
