/* The smallest program: no input, one line of output. */
void compute(void) { print_string("Hello from inside the transformer!\n"); }
