"""Messages as JSON lines."""

from __future__ import annotations

import io

from monitor.sinks.jsonl import JsonLines


def test_each_body_is_one_line() -> None:
    """Bodies come out as they are, one a line, and are counted."""
    stream = io.BytesIO()
    lines = JsonLines(stream)
    lines.write([b'{"a":1}', b'{"b":"\xc3\xa9"}'])
    lines.write([])
    assert stream.getvalue() == b'{"a":1}\n{"b":"\xc3\xa9"}\n'
    assert lines.written == 2
