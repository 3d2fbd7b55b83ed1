"""wasm -> the compiler's own language."""
