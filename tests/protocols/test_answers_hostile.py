"""Hostile answers are refused at once, within little memory, and nothing is opened (threat model C11, test 15)."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final

import pytest

from monitor.model.facts import Fact, Malformed
from monitor.protocols.answers import read
from monitor.protocols.answers.bounds import MAX_BODY, MAX_DEPTH
from tests.hostile.measure import MIB, apart, resident

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK_S: Final = 0.05
"""Of processor time."""
ROOM: Final = 32 * MIB


def laughs() -> bytes:
    rows = "".join(f'<!ENTITY l{at + 1} "{f"&l{at};" * 10}">' for at in range(9))
    return f'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY l0 "lol">{rows}]><lolz>&l9;</lolz>'.encode()


def filled(text: bytes, before: bytes = b"<a>", after: bytes = b"</a>") -> bytes:
    """As much of ``text`` as a body may have."""
    return before + text * ((MAX_BODY - len(before) - len(after)) // len(text)) + after


DOCUMENTS: Final = {
    "billion laughs": laughs,
    "quadratic blow-up": lambda: b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 60_000 + b'">]><a>' + b"&x;" * 60_000 + b"</a>",
    "external entity, file": lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "external entity, http": lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><a>&x;</a>',
    "parameter entity": lambda: b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]><a/>',
    "external document type": lambda: b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>',
    "depth of 200,000": lambda: b"<a>" * 200_000 + b"</a>" * 200_000,
    "depth within the octets": lambda: b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1),
    "30 MB flat": lambda: b"<a>" + b"<b/>" * (30_000_000 // 4) + b"</a>",
    "flat within the octets": lambda: filled(b"<b/>"),
    "2 MB token": lambda: b"<a><" + b"b" * 2_000_000 + b"/></a>",
    "attributes within the octets": lambda: b"<a" + b"".join(b" a%d=''" % at for at in range(20_000)) + b"/>",
    "UTF-16": lambda: '<?xml version="1.0" encoding="UTF-16"?><a>x</a>'.encode("utf-16"),
    "UTF-32": lambda: "<a>x</a>".encode("utf-32"),
    "UTF-7": lambda: b'<?xml version="1.0" encoding="UTF-7"?>+ADw-a+AD4-',
    "undeclared entity": lambda: b"<a>&x;</a>",
    "ends early": lambda: b"<a><b>",
    "JSON, depth of 100,000": lambda: b"[" * 100_000 + b"]" * 100_000,
    "JSON, depth": lambda: b'{"a":' * (MAX_DEPTH + 2) + b"1" + b"}" * (MAX_DEPTH + 2),
    "JSON, flat": lambda: filled(b"{},", b"[", b"{}]"),
    "JSON, numbers": lambda: filled(b"1,", b"[", b"1]"),
    "JSON, a long number": lambda: b"[" + b"9" * 100_000 + b"]",
    "lines": lambda: filled(b"a=1\n", b"", b""),
    "no lines": lambda: filled(b"a", b"", b""),
    "zeros": lambda: bytes(30_000_000),
}  # fmt: skip
BORNE: Final = {
    "one long text": lambda: filled(b"x"),
    "one long name": lambda: b"<" + b"a" * (MAX_BODY // 2 - 4) + b"></" + b"a" * (MAX_BODY // 2 - 4) + b">",
    "long names, deep": lambda: b"".join(b"<%s>" % (b"abcdefgh"[at % 8 : at % 8 + 1] * 2_000) for at in range(60))
    + b"<c/>" * 3_000
    + b"".join(b"</%s>" % (b"abcdefgh"[at % 8 : at % 8 + 1] * 2_000) for at in reversed(range(60))),
    "comments in a text": lambda: filled(b"<!---->x"),
    "many prefixes": lambda: b"<a>" + b"".join(b"<b xmlns:p%d='u'>p%d:x</b>" % (at, at) for at in range(2_400)) + b"</a>",
    "alike siblings": lambda: b"<a>" + b"<b><c>1</c></b>" * 2_400 + b"</a>",
    "siblings apart": lambda: b"<a>" + b"".join(b"<b><c>%d</c></b>" % at for at in range(2_000)) + b"</a>",
    "deep siblings apart": lambda: b"<a>" * 60 + b"".join(b"<b><c>%d</c></b>" % at for at in range(2_000)) + b"</a>" * 60,
    "JSON, one long text": lambda: filled(b"x", b'{"a":"', b'"}'),
    "JSON, one long key": lambda: filled(b"x", b'{"', b'":1}'),
    "equals signs": lambda: filled(b"=", b"a", b""),
    "percents": lambda: filled(b"%25", b"a=", b""),
    "signs": lambda: filled(b"//a:b@", b"a=", b""),
}  # fmt: skip
"""They may be read, as quickly."""


def took(body: bytes) -> tuple[float, list[Fact] | None]:
    before = time.process_time()
    try:
        facts: list[Fact] | None = read("isapi", "q", body, "application/xml")
    except Malformed:
        facts = None
    return time.process_time() - before, facts


OPENED: Final[list[str]] = []


@pytest.fixture(scope="module", autouse=True)
def watched() -> Iterator[None]:
    """What this process opens and connects to, while the module runs."""
    watching = True

    def note(event: str, _: object) -> None:
        if watching and (event == "open" or event.startswith("socket.")):
            OPENED.append(event)

    sys.addaudithook(note)
    yield
    watching = False  # a hook stays as long as the process


@pytest.mark.parametrize("name", DOCUMENTS)
def test_refused(name: str) -> None:
    """Malformed or nothing, soon; nothing is opened or connected to."""
    body = DOCUMENTS[name]()
    took(b"<a/>")
    OPENED.clear()
    spent, facts = took(body)
    assert OPENED == []
    assert not facts
    assert spent < QUICK_S or min(took(body)[0] for _ in range(3)) < QUICK_S


@pytest.mark.parametrize("name", BORNE)
def test_borne(name: str) -> None:
    """What keeps within the bounds may be read, in four times that at most; names and values are short."""
    body = BORNE[name]()
    assert len(body) <= MAX_BODY
    assert min(took(body)[0] for _ in range(3)) < 4 * QUICK_S


def growth() -> int:
    """Octets by which a process grows that reads all of them."""
    took(b"<a/>")
    bodies = [make() for make in (*DOCUMENTS.values(), *BORNE.values())]
    base = resident()
    most = 0
    for body in bodies:
        took(body)
        most = max(most, resident() - base)
    return most


def test_memory() -> None:
    """All of them together take little more than one."""
    assert apart(growth) <= ROOM
