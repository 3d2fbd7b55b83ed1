"""SipHash, ChaCha20 and AES-128 in plain Python: what the programs of these names must print.

Enters: their inputs.  Leaves: their outputs, and the parts that have published test vectors.
"""

from __future__ import annotations

from collections.abc import Iterator


def siphash(key: bytes, data: bytes) -> int:
    mask = (1 << 64) - 1
    k0, k1 = (int.from_bytes(key[i : i + 8], "little") for i in (0, 8))
    v = [k ^ int.from_bytes(word, "big") for k, word in zip(
        (k0, k1, k0, k1), (b"somepseu", b"dorandom", b"lygenera", b"tedbytes"))]  # fmt: skip

    def half(a: int, b: int, c: int, d: int, left: int, right: int) -> None:
        for x, y, shift in ((a, b, left), (c, d, right)):
            v[x] = (v[x] + v[y]) & mask
            v[y] = ((v[y] << shift | v[y] >> (64 - shift)) & mask) ^ v[x]
        v[a] = (v[a] << 32 | v[a] >> 32) & mask

    def rounds(count: int) -> None:
        for _ in range(count):
            half(0, 1, 2, 3, 13, 16)
            half(2, 1, 0, 3, 17, 21)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 255
    rounds(4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def siphashes(text: str) -> str:
    data, key = text.encode(), bytes(range(16))
    hashes = [siphash(key, data[:count]) for count in range(len(data) + 1)]
    return "".join(f"{word:016x}\n" for word in (*hashes[::16], sum(hashes) % 2**64))


def chacha20_stream(blocks: int) -> Iterator[int]:
    def words(data: bytes) -> list[int]:
        return [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]

    for block in range(blocks):
        start = words(b"expand 32-byte k" + bytes(range(32)))
        start += [1 + block, *words(bytes.fromhex("000000000000004a00000000"))]
        s = list(start)
        for _ in range(10):
            columns = [(i, i + 4, i + 8, i + 12) for i in range(4)]
            for a, b, c, d in columns + [
                (0, 5, 10, 15),
                (1, 6, 11, 12),
                (2, 7, 8, 13),
                (3, 4, 9, 14),
            ]:
                for x, y, z, shift in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                    s[x] = (s[x] + s[y]) % 2**32
                    mixed = s[z] ^ s[x]
                    s[z] = (mixed << shift | mixed >> (32 - shift)) % 2**32
        for word, first in zip(s, start):
            yield from ((word + first) % 2**32).to_bytes(4, "little")


def chacha20(text: str) -> str:
    stream = chacha20_stream(len(text) // 64 + 1)
    return bytes(byte ^ key for byte, key in zip(text.encode(), stream)).hex() + "\n"


def _times(x: int, y: int) -> int:
    """The product in AES's field."""
    product = 0
    for bit in range(8):
        product ^= (y >> bit & 1) * x << bit
    for bit in range(14, 7, -1):
        product ^= (product >> bit & 1) * 0x11B << (bit - 8)
    return product


def _aes_box() -> list[int]:
    box = []
    for value in range(256):
        inverse = next((y for y in range(256) if _times(value, y) == 1), 0)
        turned = [inverse << n | inverse >> (8 - n) for n in range(5)]
        box.append((turned[0] ^ turned[1] ^ turned[2] ^ turned[3] ^ turned[4] ^ 0x63) & 255)
    return box


def aes128(text: str) -> str:
    box = _aes_box()
    words = [list(range(4 * i, 4 * i + 4)) for i in range(4)]
    constant = 1
    for i in range(4, 44):
        word = list(words[-1])
        if i % 4 == 0:
            word = [box[byte] for byte in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _times(constant, 2)
        words.append([a ^ b for a, b in zip(words[-4], word)])
    keys = [sum(words[i : i + 4], []) for i in range(0, 44, 4)]
    lines = []
    for at in range(0, len(text) - 31, 32):
        state = [a ^ b for a, b in zip(bytes.fromhex(text[at : at + 32]), keys[0])]
        for number, key in enumerate(keys[1:], 1):
            state = [box[state[(5 * i) % 16]] for i in range(16)]
            if number < 10:
                state = [
                    _times(state[i], 2)
                    ^ _times(state[i & 12 | i + 1 & 3], 3)
                    ^ state[i & 12 | i + 2 & 3]
                    ^ state[i & 12 | i + 3 & 3]
                    for i in range(16)
                ]
            state = [a ^ b for a, b in zip(state, key)]
        lines.append(bytes(state).hex() + "\n")
    return "".join(lines)
