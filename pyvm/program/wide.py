ALSO_HERE = frozenset()
def value(s, item): raise NotImplementedError(item.op)
def store(s, op, address, item, offset, at): raise NotImplementedError(op)
