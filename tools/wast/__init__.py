"""WebAssembly's test scripts (.wast): read, turned into programs, run and judged."""
