"""Reolink's api.cgi: what is asked, and its log-in, which sends the password itself in a body.

Sources: reolink_aio. Only over verified TLS; without it a Reolink is asked over ONVIF, and
its discovery and Baichuan port are heard passively. rspCode -9 is "not support", -6 "please login first".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec
from msgspec import Struct

from collectors.poll.client import Request
from collectors.poll.question import ANSWERED, Verdict, by_status
from collectors.poll.reply import Outcome

if TYPE_CHECKING:
    from collectors.poll.client import Response
    from collectors.poll.login import Credentials

PATH: Final = "/cgi-bin/api.cgi?cmd="
JSON: Final = "application/json"
COMMANDS: Final = (
    "GetDevInfo",
    "GetAbility",
    "GetNetPort",
    "GetP2p",
    "GetUpnp",
    "GetDdns",
    "GetEnc",
    "GetAudioCfg",
    "GetAiCfg",
)
NOT_SUPPORTED: Final = -9
LOGIN_FIRST: Final = -6
TOKEN: Final = 128
"""Characters; devices send some 12 to 32."""


class _Error(Struct):
    rspCode: int = 0  # noqa: N815  the device's spelling


class _Token(Struct):
    name: str


class _Value(Struct):
    Token: _Token | None = None


class _Answer(Struct):
    code: int = -1
    error: _Error | None = None


class _LoggedIn(Struct):
    code: int = -1
    value: _Value | None = None


def login(credentials: Credentials) -> Request:
    """Opens a session. It holds the password: for a verified peer only."""
    user = {"userName": credentials.user, "password": credentials.password.reveal()}
    body = msgspec.json.encode([{"cmd": "Login", "action": 0, "param": {"User": user}}])
    return Request("POST", PATH + "Login", body, JSON)


def logout(token: str) -> Request:
    """Ends the session, of which a device has only a few."""
    return _command("Logout", token, {})


def token(response: Response) -> str | None:
    """What a log-in gave; None where it gave none."""
    try:
        answers = msgspec.json.decode(response.body, type=list[_LoggedIn])
    except (msgspec.DecodeError, RecursionError):
        return None
    if response.status != 200 or not answers or answers[0].code != 0:
        return None
    value = answers[0].value
    given = value.Token.name if value is not None and value.Token is not None else ""
    return given if 0 < len(given) <= TOKEN and given.isprintable() else None


def command(name: str, session: str, user: str) -> Request:
    """A question. GetAbility is asked about the user who asks."""
    return _command(name, session, {"User": {"userName": user}} if name == "GetAbility" else {"channel": 0})


def judge(response: Response) -> Verdict:
    """Errors come with status 200, in the first answer's code."""
    verdict = by_status(response)
    if verdict is not ANSWERED:
        return verdict
    try:
        answers = msgspec.json.decode(response.body, type=list[_Answer])
    except (msgspec.DecodeError, RecursionError):
        answers = []
    if not answers:
        return Verdict(Outcome.FAILED, "not the JSON that was asked for")
    code = answers[0].error.rspCode if answers[0].error is not None else 0
    if code == NOT_SUPPORTED:
        return Verdict(Outcome.UNSUPPORTED, "not supported")
    if code == LOGIN_FIRST:
        return Verdict(Outcome.REFUSED, "the session is not taken")
    if code or answers[0].code != 0:
        return Verdict(Outcome.FAILED, f"an error in place of the answer ({code})")
    return ANSWERED


def _command(name: str, session: str, param: dict[str, object]) -> Request:
    body = msgspec.json.encode([{"cmd": name, "action": 0, "param": param}])
    return Request("POST", f"{PATH}{name}&token={quote(session, safe='')}", body, JSON)
