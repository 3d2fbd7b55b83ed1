"""Traces: what people read from the tokens of a run.

Enters: token ids and the vocabulary.  Leaves: statistics and explanations.  Long traces are read
chunk by chunk with numpy, about ten million tokens a second.
"""
