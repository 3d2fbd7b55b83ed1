// AssemblyScript with its shim for WASI: text, arrays, a class, arguments, a status.
class Sieve {
  composite: StaticArray<bool>;
  constructor(public limit: i32) {
    this.composite = new StaticArray<bool>(limit + 1);
  }
  primes(): i32[] {
    const found: i32[] = [];
    for (let i = 2; i <= this.limit; i++) {
      if (this.composite[i]) continue;
      found.push(i);
      for (let j = i * i; j <= this.limit; j += i) this.composite[j] = true;
    }
    return found;
  }
}

const limit = process.argv.length > 1 ? i32(I32.parseInt(process.argv[1])) : 30;
console.log(new Sieve(limit).primes().join(" "));
if (limit < 10) {
  console.error("few");
  process.exit(limit);
}
