"""The compiler's own language between wasm and machine code, and what is done to it."""
