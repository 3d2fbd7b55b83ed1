"""WebAssembly: the binary format decoded and validated; names and source lines for messages."""
