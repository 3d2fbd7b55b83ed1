// The trace as executed instructions, and an index of every write, made in one pass.
//
// Every place that can be written (a depth of the operand stack, a call depth, a word of a local or
// global, a byte of the memory) has a number; a write is place * ROOM + when, in a sorted array.  So
// the newest write of a place up to any moment is one binary search, as it is one lookup of a head.

const ROOM = 2 ** 21;

class Trace {
  constructor(data) {
    this.data = data;
    const { tokens, completes, halt } = data;
    let count = 0;
    for (let p = data.begin; p < tokens.length; p++) {
      if (completes[tokens[p]] || tokens[p] === halt) count++;
    }
    const open = tokens.length > data.begin && !this.ends(tokens[tokens.length - 1]);
    this.count = count + open; // the last may not be complete
    this.start = new Uint32Array(this.count + 1);
    this.cursor = new Int32Array(this.count);
    this.depth = new Int32Array(this.count); // of the operand stack, after it
    this.calls = new Int32Array(this.count);
    this.outputs = [];
    this.touched = []; // [instruction, address, size, writes]
    this.traps = [];
    this.read();
  }

  ends(token) {
    return this.data.completes[token] > 0 || token === this.data.halt;
  }

  read() {
    const d = this.data, stack = [], pushes = [], entered = [], words = [], bytes = [];
    let position = d.begin, cursor = 0, depth = 0, calls = 0;
    for (let i = 0; i < this.count; i++) {
      this.start[i] = position;
      this.cursor[i] = cursor;
      while (position < d.tokens.length - 1 && !this.ends(d.tokens[position])) position++;
      const last = d.tokens[position], row = this.opcode(i);
      position++;
      this.start[i + 1] = position;
      if (d.output[last] >= 0 || d.error[last] >= 0) this.outputs.push(position - 1);
      if (position - this.start[i] > 1 && d.trap[d.tokens[position - 2]]) this.traps.push(i);
      if (d.completes[last]) {
        this.write(i, row, stack, depth, calls, words, bytes);
        depth += d.stack_delta[last];
        if (row && row.pushes) pushes.push(depth * ROOM + i), (stack[depth] = i);
        calls += d.call_delta[last];
        if (d.call_delta[last] > 0) entered.push(calls * ROOM + i);
        cursor += d.completes[last] + (d.jumps[last] ? this.word(position - 5) | 0 : 0);
      }
      this.depth[i] = depth;
      this.calls[i] = calls;
    }
    const sorted = (list) => Float64Array.from(list).sort();
    this.pushes = sorted(pushes);
    this.entered = sorted(entered);
    this.words = sorted(words);
    this.bytes = sorted(bytes);
  }

  write(i, row, stack, depth, calls, words, bytes) {
    if (!row || !row.cell) return;
    const end = this.start[i + 1] - 1, immediate = this.immediate(i), count = this.valueBytes(i);
    if (row.given) {
      if (row.cell !== "table") {
        for (let k = 0; k < count; k++) bytes.push((immediate + k) * ROOM + end - count + k);
      }
    } else if (row.cell === "address") {
      const from = stack[depth - row.pops + 1];
      const address = this.word(this.start[from + 1] - 1 - this.valueBytes(from)) + immediate;
      const size = row.writes ? count : row.access;
      this.touched.push([i, address, size, row.writes]);
      for (let k = 0; row.writes && k < count; k++) bytes.push((address + k) * ROOM + end - count + k);
    } else if (row.writes && row.cell !== "table") {
      const first = (row.cell === "local" ? this.data.globals + this.data.locals * calls : 0) + immediate;
      for (let k = 0; k < count / 4; k++) words.push((first - k) * ROOM + end - count + 4 * k);
    }
  }

  opcode(i) {
    return this.data.opcodes[this.data.code[this.cursor[i]]];
  }

  immediate(i) {
    return this.data.immediates[this.cursor[i]];
  }

  // Four bytes of the trace as a number.
  word(position) {
    const { tokens, byte } = this.data;
    let value = 0;
    for (let k = 0; k < 4; k++) value += Math.max(0, byte[tokens[position + k]]) * 2 ** (8 * k);
    return value;
  }

  valueBytes(i) {
    const { tokens, byte } = this.data;
    let count = 0;
    for (let p = this.start[i + 1] - 2; p >= this.start[i] && byte[tokens[p]] >= 0; p--) count++;
    return count;
  }

  // The value that an instruction emitted, signed; null where it has none.
  value(i) {
    const count = Math.min(8, this.valueBytes(i)), end = this.start[i + 1] - 1;
    if (!count) return null;
    let value = 0n;
    for (let k = 0; k < count; k++) {
      value |= BigInt(this.data.byte[this.data.tokens[end - count + k]]) << BigInt(8 * k);
    }
    return BigInt.asIntN(count === 8 ? 64 : 32, value);
  }

  // The instruction that a position belongs to; -1 in the prompt's program.
  at(position) {
    let low = 0, high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.start[middle] <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

// Of a sorted array of writes: when the place was written last, at most at `when`; -1 for never.
function newest(writes, place, when) {
  const wanted = place * ROOM + when;
  let low = 0, high = writes.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (writes[middle] <= wanted) low = middle + 1;
    else high = middle;
  }
  if (!low || writes[low - 1] < place * ROOM) return -1;
  return writes[low - 1] - place * ROOM;
}
