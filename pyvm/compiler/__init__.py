"""C or WebAssembly -> a program of the machine.  compile.py has one call a stage: read it first."""
