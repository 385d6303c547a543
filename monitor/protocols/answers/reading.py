"""What a device answered -> what it says of its functions and of itself.

Strategy: the answer's own first octets say what it is written in, for devices announce one type and send another.
Whatever it holds is stated, known or not. A refusal is no answer: it makes no fact, so that nothing reads as gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.model.facts import CapabilityStated, Malformed
from monitor.protocols.answers import key_values, tree
from monitor.protocols.answers.bounds import LAYER, MAX_BODY
from monitor.protocols.answers.devices import announced
from monitor.protocols.answers.statements import Statements
from monitor.protocols.device_text import plain

if TYPE_CHECKING:
    from monitor.model.facts import Fact
    from monitor.protocols.answers.tree import Node

APIS: Final = frozenset({"isapi", "onvif", "dahua", "vapix", "reolink", "sunapi", "lapi", "sofia"})
_FAULTS: Final = frozenset({"Fault", "ResponseStatus", "html"})
"""Roots of XML that refuse: SOAP 1.2, 5.4; ISAPI's status, which to a question is sent in place of an answer."""
_REFUSALS: Final = (b"Error", b"NG", b"# Error", b"Bad Request")
"""How Dahua's, SUNAPI's and VAPIX's CGIs begin a refusal."""
_SOFIA_OK: Final = {"100", "515"}
"""Ret of an answer that succeeded (OpenIPC/python-dvr)."""
_CONFIGURATION: Final = "RPC2 configManager.getConfig "
_BLANK: Final = b"\xef\xbb\xbf\r\n\t \x00"


def read(api: str, question: str, body: bytes, content_type: str | None) -> list[Fact]:
    """What this answer states; nothing where it refuses. Malformed if it is not whole, or passes a bound."""
    if len(body) > MAX_BODY:
        raise Malformed(LAYER, "document too long")
    kind = (content_type or "").lower()
    text = body.strip(_BLANK)
    if kind.startswith(("image/", "video/")) or (kind.startswith("text/html") and not text.startswith((b"{", b"["))):
        raise Malformed(LAYER, "no answer but a page or picture")  # Reolink calls its JSON text/html
    statements = Statements()
    if text.startswith(b"<"):
        root = tree.of_xml(body.lstrip(_BLANK))
        if root.name in _FAULTS or root.child(*_FAULTS) is not None:
            return []
        statements.take(root)
    elif text.startswith((b"{", b"[")):
        for path, part in _accepted(api, question, tree.of_json(text)):
            statements.take(part, path)
    elif not text or text in {b"OK", b"ok"} or text.startswith(_REFUSALS):
        return []
    else:
        key_values.take(text, statements)
    said = statements.sorted()
    if not said:
        return []
    asked = plain(question) or ""
    stated = CapabilityStated(api, asked, said)
    device = announced(api, asked, said)
    return [stated] if device is None else [device, stated]  # who it is and runs, before what that one can do


def _accepted(api: str, question: str, root: Node) -> list[tuple[str, Node]]:
    """The parts of a JSON answer that say something, without the envelope, each with the path it has."""
    if api == "reolink":
        return _commands(root)
    if api == "lapi":
        return _lapi(root)
    if root.child("error", "Error", "errorCode") is not None and root.child("result", "params") is None:
        return []
    if api == "sofia":
        result = root.child("Ret")
        if result is not None and result.text not in _SOFIA_OK:
            return []
        root.children = [child for child in root.children if child.name not in {"Ret", "Name"}]
    if api == "dahua":  # RPC2: {"id", "params", "result", "session"}
        if (result := root.child("result")) is not None and result.text == "false":
            return []
        root.children = [child for child in root.children if child.name not in {"id", "result"}]
        params = root.child("params")
        table = params.child("table") if params is not None else None
        if table is not None and question.startswith(_CONFIGURATION):
            table.name = ""  # a configuration's name stands in the question, and in CGI's answers before each key
            return [(f"table/{question.removeprefix(_CONFIGURATION)}", table)]
    if api == "vapix":  # {"apiVersion", "context", "method", "data"}
        root.children = [child for child in root.children if child.name != "context"]
    return [("", root)]


def _commands(root: Node) -> list[tuple[str, Node]]:
    """Of Reolink's list of answers those that succeeded, each below the name of its command."""
    found = []
    for answer in root.children if root.child("cmd") is None else [root]:
        command, code, value = answer.child("cmd"), answer.child("code"), answer.child("value")
        if command is not None and command.text and code is not None and code.text == "0" and value is not None:
            value.name = ""
            found.append((tree.named(command.text), value))
    return found


def _lapi(root: Node) -> list[tuple[str, Node]]:
    """What Uniview's envelope holds, if it says that all went well."""
    answer = root.child("Response") or root
    for name in ("ResponseCode", "StatusCode"):
        code = answer.child(name)
        if code is not None and code.text != "0":
            return []
    data = answer.child("Data")
    if data is None:
        return [("", answer)]
    if data.text == "null" or (data.text == "" and not data.children):
        return []
    return [("", data)]
