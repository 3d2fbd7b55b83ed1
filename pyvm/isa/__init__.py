"""The machine's language, which every other room reads: instructions, tokens, what they mean.

instructions.py is the one table of opcodes, tokens.py the one list of tokens, executor.py the
meaning of both in the plainest way.  header.py writes the two tables out for C++.
"""
