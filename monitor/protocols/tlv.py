"""Types, lengths and values, as discovery messages of several makers list what a device is; in network order."""

from __future__ import annotations


def first_values(data: bytes, at: int, kind: int, length: int, most: int) -> dict[int, bytes]:
    """The first value of each type among ``most`` from offset ``at``, up to the end or one that runs past it.

    ``kind`` and ``length``: octets of a type and of a length.
    """
    values: dict[int, bytes] = {}
    for _ in range(most):
        begin = at + kind + length
        end = begin + int.from_bytes(data[at + kind : begin], "big")
        if end > len(data):
            break
        values.setdefault(int.from_bytes(data[at : at + kind], "big"), data[begin:end])
        at = end
    return values
