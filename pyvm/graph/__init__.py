"""The machine as a graph of five primitives, and its exact evaluator."""
