"""The functions that the plugin has beyond PJRT.

They are in a node of the chain of extensions that begins in the table ``GetPjrtApi`` returns. Each
takes and gives text; a failure is a text too, raised here as [`PalmettoError`].
"""

import ctypes
import functools

from palmetto.plugin import library_path

EXTENSION_TYPE = 0x50414C4D
VERSION = 1


class PalmettoError(RuntimeError):
    """What the plugin refused, in its words."""


class Node(ctypes.Structure):
    """The head of every extension."""


Node._fields_ = [
    ("struct_size", ctypes.c_size_t),
    ("type", ctypes.c_int32),
    ("next", ctypes.POINTER(Node)),
]


class Api(ctypes.Structure):
    """The head of the table of functions."""

    _fields_ = [("struct_size", ctypes.c_size_t), ("extensions", ctypes.POINTER(Node))]


TEXT = ctypes.POINTER(ctypes.c_void_p)
REPORTS = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_int64, TEXT)
SET_OPTION = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_char_p, ctypes.c_char_p, TEXT)
GET_OPTION = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_char_p, TEXT)
FREE_TEXT = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Extension(ctypes.Structure):
    """Palmetto's node."""

    _fields_ = [
        ("base", Node),
        ("version", ctypes.c_uint64),
        ("reports", REPORTS),
        ("set_option", SET_OPTION),
        ("get_option", GET_OPTION),
        ("free_text", FREE_TEXT),
    ]


@functools.cache
def extension():
    """Palmetto's node of the loaded plugin."""
    path = library_path()
    get_api = ctypes.CDLL(str(path)).GetPjrtApi
    get_api.restype = ctypes.POINTER(Api)
    node = get_api().contents.extensions
    while node:
        if node.contents.type == EXTENSION_TYPE:
            found = ctypes.cast(node, ctypes.POINTER(Extension)).contents
            if found.version != VERSION or found.base.struct_size < ctypes.sizeof(Extension):
                raise PalmettoError(f"{path} has version {found.version} of the extension, this "
                                    f"package needs {VERSION}: install both from one checkout")
            return found
        node = node.contents.next
    raise PalmettoError(f"{path} is a PJRT plugin, but not Palmetto's")


def call(function, *arguments):
    """The text that one of the extension's functions answers; raises what it refuses."""
    text = ctypes.c_void_p()
    status = function(*arguments, ctypes.byref(text))
    try:
        answer = ctypes.string_at(text.value).decode()
    finally:
        extension().free_text(text)
    if status:
        raise PalmettoError(answer)
    return answer
