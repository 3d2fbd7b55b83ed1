"""Small programs that use pyvm, to be read and copied: `python -m pyvm.examples.c_function`."""
