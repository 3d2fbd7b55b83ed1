"""The compiler's own language -> machine code, for the standard machine and for the base machine."""
