"""tvm.h in ctypes: the structs, the enumerations and the type of every function.

Enters: nothing.  Leaves: declarations that library.py puts on the loaded library; tests compare
them with the header.
"""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char_p,
    c_double,
    c_int8,
    c_int32,
    c_int64,
    c_size_t,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
    sizeof,
)
from typing import Any

ABI_VERSION = 2

PATHS = {"auto": 0, "plan": 1, "layers": 2, "kernel": 3}
PROJECTIONS = {"auto": 0, "dense": 1, "blas": 2, "sparse": 3}
ATTENTIONS = {"auto": 0, "hull": 1, "scan": 2}
BYPASSES = {"none": 0, "passthrough": 1, "gather": 2, "all": 3}
HEAD_KINDS = ("lookup", "passthrough", "gather", "average", "unused")
STOPPED = ("halt", "limit", "callback")
TOKEN_BYTE, TOKEN_OUTPUT, TOKEN_ERROR, TOKEN_JUMPS = 1, 2, 4, 8
TOKEN_STOP, TOKEN_BEGINS, TOKEN_PROMPT = 16, 32, 64


class Sized(Structure):
    """A struct that opens with its size, which is set when it is made."""

    def __init__(self, **fields: int):
        super().__init__(size=sizeof(type(self)), **fields)


class ModelSizes(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("vocabulary", c_int32),
        ("width", c_int32),
        ("layers", c_int32),
        ("heads", c_int32),
        ("neurons", c_int32),
        ("stop", c_int32),
        ("kinds_stored", c_int32),
    )


class Options(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("path", c_int32),
        ("projection", c_int32),
        ("attention", c_int32),
        ("bypass", c_int32),
        ("threads", c_int32),
    )


_ENDING = (
    ("seconds", c_double),
    ("projection_seconds", c_double),
    ("attention_seconds", c_double),
    ("output_seconds", c_double),
    ("exact", c_int32),
    ("covered", c_uint64),
)


class RunResult(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("stopped", c_int32),
        ("tokens", c_uint64),
        ("cursor", c_int64),
        ("instructions", c_uint64),
        *_ENDING,
    )


class VerifyResult(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("ok", c_int32),
        ("checked", c_uint64),
        ("first_mismatch", c_int64),
        ("expected", c_int32),
        ("predicted", c_int32),
        *_ENDING,
    )


class TokenMeaning(Structure):
    _fields_ = (("flags", c_uint8), ("byte", c_uint8), ("rows", c_int8), ("calls", c_int8))


class Followed(Sized):
    _fields_ = (
        ("size", c_uint32),
        ("stream", c_int32),
        ("tokens", c_uint64),
        ("begin", c_uint64),
        ("prompt", c_uint64),
        ("stop", c_int64),
        ("cursor", c_int64),
        ("calls", c_int64),
        ("deepest", c_int64),
        ("value", c_uint32),
    )


class KernelTrace(Structure):
    _fields_ = (("tokens", POINTER(c_int32)), ("count", c_size_t), ("prompt", c_size_t))


Tokens = POINTER(c_int32)
Tokens16 = POINTER(c_uint16)
# Of tokens in either width: their address, for which no object is made.
Callback = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_size_t)
TextCallback = CFUNCTYPE(None, c_void_p, c_char_p)
BytesCallback = CFUNCTYPE(None, c_void_p, c_void_p, c_size_t)
SourceCallback = CFUNCTYPE(None, c_void_p, c_char_p, c_char_p)

# name -> (result, parameters); tvm_abi_version is called before any other.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "tvm_abi_version": (c_int32, []),
    "tvm_build_info": (c_char_p, []),
    "tvm_last_error": (c_char_p, []),
    "tvm_model_open": (c_int32, [c_char_p, POINTER(c_void_p)]),
    "tvm_model_open_memory": (c_int32, [c_void_p, c_size_t, POINTER(c_void_p)]),
    "tvm_model_close": (None, [c_void_p]),
    "tvm_model_get_sizes": (c_int32, [c_void_p, POINTER(ModelSizes)]),
    "tvm_model_token": (c_char_p, [c_void_p, c_int32]),
    "tvm_model_head_kinds": (c_int32, [c_void_p, Tokens, c_size_t]),
    "tvm_model_metadata": (c_char_p, [c_void_p]),
    "tvm_model_why_no_plan": (c_char_p, [c_void_p]),
    "tvm_model_explain": (c_int32, [c_void_p, Tokens, c_size_t, TextCallback, c_void_p]),
    "tvm_model_kernel_source": (
        c_int32,
        [c_void_p, POINTER(KernelTrace), c_size_t, c_int32, SourceCallback, c_void_p],
    ),
    "tvm_model_load_kernel": (c_int32, [c_void_p, c_char_p]),
    "tvm_model_kernel_blocks": (c_int32, [c_void_p, c_char_p, POINTER(c_uint32)]),
    "tvm_model_fingerprint": (c_int32, [c_void_p, POINTER(c_uint64)]),
    "tvm_options_default": (None, [POINTER(Options)]),
    "tvm_generate": (
        c_int32,
        [
            c_void_p,
            Tokens,
            c_size_t,
            c_uint64,
            Callback,
            c_void_p,
            POINTER(Options),
            POINTER(RunResult),
        ],
    ),
    "tvm_verify": (
        c_int32,
        [
            c_void_p,
            Tokens,
            c_size_t,
            c_size_t,
            c_size_t,
            Tokens,
            POINTER(Options),
            POINTER(VerifyResult),
        ],
    ),
    "tvm_run_open": (
        c_int32,
        [c_void_p, Tokens, c_size_t, POINTER(Options), POINTER(c_void_p)],
    ),
    "tvm_run_close": (None, [c_void_p]),
    "tvm_run_generate": (
        c_int32,
        [c_void_p, c_uint64, Callback, c_void_p, POINTER(RunResult)],
    ),
    "tvm_run_verify": (c_int32, [c_void_p, Tokens, c_size_t, POINTER(VerifyResult)]),
    "tvm_run_position": (c_uint64, [c_void_p]),
    "tvm_run_save": (c_int32, [c_void_p, c_uint64, BytesCallback, c_void_p]),
    "tvm_run_restore": (c_int32, [c_void_p, c_char_p, c_size_t, Tokens, c_size_t]),
    "tvm_trace": (
        c_int32,
        [
            POINTER(c_char_p),
            c_int32,
            Tokens,
            c_size_t,
            c_uint64,
            Callback,
            c_void_p,
            POINTER(RunResult),
        ],
    ),
    "tvm_follow": (
        c_int32,
        [
            POINTER(TokenMeaning),
            c_int32,
            Tokens,
            c_size_t,
            POINTER(Followed),
            c_char_p,
            POINTER(c_size_t),
            POINTER(c_size_t),
        ],
    ),
}

# The same functions with tokens of 16 bits.
for _name in ("tvm_generate", "tvm_verify", "tvm_trace", "tvm_follow"):
    _result, _parameters = FUNCTIONS[_name]
    _chosen = FUNCTIONS[f"{_name}16"] = (_result, list(_parameters))
    _chosen[1][_parameters.index(Tokens)] = Tokens16
