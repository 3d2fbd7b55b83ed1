"""The compiler's own language -> machine code, for either machine."""
