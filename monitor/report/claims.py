"""Claims: what a device did and did not do, each only as far as it is known.

Strategy: "yes" needs one contact; "no" needs that there is none and that the device was watched. A contact whose
beginning was not seen, or an end that nobody can place, makes a "no" into "not known".
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from monitor.model.contacts import Outcome
from monitor.model.incidents import Kind
from monitor.model.verdicts import OperatorKind
from monitor.report.facts import Certainty
from monitor.report.words import SECOND_NS, counted, duration, share

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.report.facts import Coverage, DeviceFacts, End, Known

NAMED: Final = 3
"""Operators that an answer names; the table beneath has them all."""


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "not known"


class Claim(Struct, frozen=True):
    """One question with its answer."""

    question: str
    answer: Answer
    words: str


NOT_TRIED = frozenset({Kind.NAME_LOOKUP, Kind.CORE_CONTACT, Kind.INBOUND_VIEWER})
"""Kinds of a remote end that is not outside, or that the device did not go for."""


def outward(device: DeviceFacts) -> Claim:
    """Whether it tried to reach anything outside the site: the sentence that the report is for."""
    tried = [each for each in device.ends if each.outbound and not each.core]
    inside = {each.operator for each in device.ends if each.core}
    gone = [
        each for each in device.incidents if each.outward and each.kind not in NOT_TRIED and each.operator not in inside
    ]
    unclear = [each for each in device.ends if not each.outbound and not each.invited and each.addresses]
    question = "Did it try to reach anything outside the site?"
    if tried or gone:
        through = sum(each.outcome >= Outcome.ANSWERED for each in tried)
        stopped = len(tried) - through
        told = {each.operator for each in gone} - {each.operator for each in tried}
        parts = [f"{counted(through, 'destination')} answered"] if through else []
        parts += [f"{counted(stopped, 'destination')} did not answer or refused"] if stopped else []
        parts += [f"{counted(len(told), 'destination')} known from incidents only"] if told else []
        return Claim(question, Answer.YES, f"Tried to go outside the site: {', '.join(parts)}.")
    if unclear:
        ends = counted(len(unclear), "end")
        words = f"Not known: it exchanged packets with {ends} outside the site, and nobody saw who began."
        return Claim(question, Answer.UNKNOWN, words)
    answer, words = negative(device.coverage, "attempted nothing outside the site")
    if answer is Answer.NO:
        looked = sum(len(each.names) for each in device.ends if not each.addresses)
        reached = sum(each.invited for each in device.ends)
        words += f" It looked up {counted(looked, 'name')} without going there." if looked else ""
        words += f" It was reached by {counted(reached, 'end')} outside, and answered." if reached else ""
    return Claim(question, answer, words)


def negative(coverage: Coverage, what: str) -> tuple[Answer, str]:
    """That something was not seen, with what that is worth."""
    if coverage.certainty is Certainty.UNKNOWN:
        return Answer.UNKNOWN, f"Not known: {', and '.join(coverage.reasons)}."
    words = f"{watched(coverage)}, {what}. {meanwhile(coverage)}"
    if coverage.certainty is Certainty.WEAK:
        words += f" All this says little: {', and '.join(coverage.reasons)}."
    return Answer.NO, words


def watched(coverage: Coverage) -> str:
    """How long it was watched: "Watched 99.9 % of 720 h"; of files, only what was seen is known."""
    if coverage.span is None:
        return "Not watched"
    length_ns = coverage.span.length_ns
    if coverage.listened_ns is None:
        return f"Seen in {share(coverage.seen_s * SECOND_NS, length_ns)} of the seconds of {duration(length_ns)}"
    return f"Watched {share(coverage.listened_ns, length_ns)} of {duration(length_ns)}"


def meanwhile(coverage: Coverage) -> str:
    """What was lost while it was watched."""
    if coverage.span is None or coverage.listened_ns is None or coverage.loss_ppm is None:
        return "What was lost meanwhile is not known."
    away_ns = coverage.span.length_ns - coverage.listened_ns
    away = f"the sensor was away or blind for at most {duration(away_ns)}" if away_ns else "the sensor was never away"
    lost = f"{coverage.loss_ppm:,} of a million packets were lost" if coverage.loss_ppm else "no packet was lost"
    return f"Meanwhile {away}, and {lost}."


def worth(coverage: Coverage) -> str:
    """What the answers "none seen" are worth."""
    if coverage.certainty is Certainty.UNKNOWN:
        return f"Where nothing was seen nothing is known: {', and '.join(coverage.reasons)}."
    words = f'What "none seen" means: {watched(coverage).lower()}. {meanwhile(coverage)}'
    if coverage.certainty is Certainty.WEAK:
        words += f" It says little: {', and '.join(coverage.reasons)}."
    return words


def questions(device: DeviceFacts, home: tuple[str, ...], known: Known) -> list[Claim]:
    """What else a reader wants to know that it did not do."""
    tried = [each for each in device.ends if each.outbound and each.addresses]
    unclear = [each for each in device.ends if not each.outbound and not each.invited and each.addresses]
    kinds = {each.kind for each in device.incidents}
    claims = []
    if home:
        where = ", ".join(home)
        abroad = [each for each in tried if each.foreign]
        placeless = [each for each in tried if each.foreign is None and not each.core] + unclear
        question = f"Did it try to go to another country than {where}, or under another law?"
        claims.append(_asked(device, question, abroad, placeless, known=False))
    for question, kind, told, limit in (
        ("Did it call a camera maker's own service?", OperatorKind.VENDOR_CLOUD, Kind.VENDOR_CLOUD, checked(known)),
        ("Did it use a peer-to-peer network for cameras?", OperatorKind.P2P_CLOUD, Kind.P2P_CLOUD, ""),
    ):
        called = [each for each in tried if each.kind is kind]
        claims.append(_asked(device, question, called, unclear, known=told in kinds, limit=limit if tried else ""))
    hidden = [each for each in tried if each.encrypted_dns]
    question = "Did it look up names out of sight (encrypted DNS)?"
    claims.append(_asked(device, question, hidden, unclear, known=Kind.ENCRYPTED_DNS in kinds))
    question = "Did it go for a network of the site that is off limits?"
    claims.append(
        _asked(device, question, [each for each in tried if each.core], unclear, known=Kind.CORE_CONTACT in kinds)
    )
    asked = [each for each in device.ends if not each.addresses]
    question = "Did it look up a name outside without going there?"
    claims.append(_asked(device, question, asked, [], known=Kind.NAME_LOOKUP in kinds))
    reached = [each for each in device.ends if each.invited]
    known_reached = Kind.INBOUND_VIEWER in kinds
    claims.append(_asked(device, "Was it reached from outside the site?", reached, unclear, known=known_reached))
    return claims


def checked(known: Known) -> str:
    """How far it can be said that no maker's own service was called: no list has them all."""
    names = counted(known.names, "name or address", "names and addresses")
    return (
        f" Checked against {names} of {counted(known.makers, 'maker')}: "
        "a service that is not among them stands above under its own name or network."
    )


def _asked(
    device: DeviceFacts, question: str, found: list[End], doubtful: list[End], *, known: bool, limit: str = ""
) -> Claim:
    """``limit`` is what "none seen" was checked against, where it is a list."""
    if found:
        return Claim(question, Answer.YES, f"Yes: {_named(found)}.")
    if known:
        return Claim(question, Answer.YES, "Yes: see its incidents.")
    if doubtful:
        ends = counted(len(doubtful), "end")
        return Claim(question, Answer.UNKNOWN, f"Not known: of {ends} nobody can say ({_named(doubtful)}).")
    if device.coverage.certainty is Certainty.UNKNOWN:
        return Claim(question, Answer.UNKNOWN, "Not known.")
    return Claim(question, Answer.NO, f"None seen; {watched(device.coverage).lower()}.{limit}")


def _named(ends: Iterable[End]) -> str:
    names = list(dict.fromkeys(each.operator for each in ends))
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
