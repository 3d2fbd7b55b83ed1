// What the program's state is at a position, from the index of writes.

class State {
  // Instructions that are complete at the position count.
  constructor(trace, position) {
    this.trace = trace;
    const at = trace.at(position);
    this.position = position;
    this.done = at >= 0 && trace.start[at + 1] - 1 <= position ? at : at - 1;
  }

  // [instruction, value] from the top down, at most `most`.
  stack(most) {
    const { trace, done } = this, found = [];
    const depth = done < 0 ? 0 : trace.depth[done];
    for (let d = depth; d > 0 && found.length < most; d--) {
      const i = newest(trace.pushes, d, done);
      found.push([i, i < 0 ? null : trace.value(i)]);
    }
    return { depth, found };
  }

  // The call instructions that have not returned, the newest first.
  calls(most) {
    const { trace, done } = this, found = [];
    const depth = done < 0 ? 0 : trace.calls[done];
    for (let d = depth; d > 0 && found.length < most; d--) found.push(newest(trace.entered, d, done));
    return { depth, found };
  }

  // [name, value] of what the open call wrote since it began.
  locals() {
    const { trace, done } = this;
    if (done < 0) return [];
    const { globals, locals } = trace.data, depth = trace.calls[done];
    const call = depth ? newest(trace.entered, depth, done) : -1;
    return this.cells(globals + locals * depth, locals, call < 0 ? 0 : trace.start[call]);
  }

  globals() {
    return this.cells(0, Math.min(16, this.trace.data.globals), 0);
  }

  // [name, value] of `count` words from `first` on that were written since a position.  A value of
  // 64 bits is one write of two words: the low one has its index, the high one that before it.
  cells(first, count, since) {
    const { trace, position } = this, found = [];
    for (let index = count - 1; index >= 0; index--) {
      const at = newest(trace.words, first + index, position);
      if (at < since || !this.complete(at)) continue;
      if (index && newest(trace.words, first + index - 1, position) === at + 4) {
        const value = (BigInt(trace.word(at + 4)) << 32n) | BigInt(trace.word(at));
        found.push([`${index--} (64 bits)`, BigInt.asIntN(64, value)]);
      } else found.push([`${index}`, trace.word(at) | 0]);
    }
    return found.reverse();
  }

  complete(at) {
    return this.trace.at(at) <= this.done;
  }

  // The memory access that was last: [instruction, address, size, writes], or undefined.
  access() {
    const { touched } = this.trace;
    let low = 0, high = touched.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (touched[middle][0] <= this.done) low = middle + 1;
      else high = middle;
    }
    return touched[low - 1];
  }

  // A byte of the memory; 0 where nobody wrote.
  byte(address) {
    const at = newest(this.trace.bytes, address, this.position);
    const { byte, tokens } = this.trace.data;
    return at < 0 ? 0 : byte[tokens[at]];
  }

  // The last bytes written on both streams, as text.
  output(most) {
    const { outputs, data } = this.trace;
    let low = 0, high = outputs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (outputs[middle] <= this.position) low = middle + 1;
      else high = middle;
    }
    const shown = outputs.slice(Math.max(0, low - most), low).map((p) => {
      const token = data.tokens[p];
      return data.output[token] >= 0 ? data.output[token] : data.error[token];
    });
    const text = new TextDecoder().decode(Uint8Array.from(shown));
    return low > most ? `... ${low - most} bytes before ...\n${text}` : text;
  }
}
