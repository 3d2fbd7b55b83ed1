"""The arithmetic of floats: a library in C over integers, and the module that it is shipped as."""
