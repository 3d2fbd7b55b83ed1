"""Machine code before it has addresses, the linker, and the way back to the source."""
