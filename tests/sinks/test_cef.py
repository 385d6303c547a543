"""An incident message in CEF, as a reader of the standard takes it apart."""

from __future__ import annotations

import re

import msgspec
import pytest

from monitor.model.incidents import Evidence, Severity
from monitor.sinks import syslog
from tests.sinks.conftest import make_transition
from tests.sinks.listening import Parsed
from tests.sinks.test_syslog import body, config

EVIDENCE = Evidence("10.20.0.17", 51234, "47.88.59.209", "dev.hik-connect.com", 443, 6, "SG", 45102, "Alibaba", None)


def parsed(text: str) -> tuple[list[str], dict[str, str]]:
    """Header and extension: a key is what stands before an equals sign that nothing escapes."""
    *head, extension = re.split(r"(?<!\\)\|", text, maxsplit=7)
    keys = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", extension))
    ends = [*(each.start() for each in keys[1:]), len(extension)]
    found = {each[1]: extension[each.end() : end] for each, end in zip(keys, ends, strict=True)}
    unescaped = {"n": "\n", "r": "\r"}
    return (
        [re.sub(r"\\([\\|])", r"\1", each) for each in head],
        {k: re.sub(r"\\(.)", lambda m: unescaped.get(m[1], m[1]), v) for k, v in found.items()},
    )


def cef(raw: bytes) -> tuple[list[str], dict[str, str]]:
    message = Parsed(raw)
    assert message.data == {}
    assert message.text.startswith(b"CEF:0|"), "no BOM: readers look for the first characters"
    return parsed(message.text.decode())


def test_a_message_has_the_dictionary_keys() -> None:
    """Who, whom, what, when, how often, and the ids by which duplicates are told."""
    transition = make_transition(7, evidences=(EVIDENCE,))
    head, said = cef(syslog.render(config(1, format="cef"), body(transition, 2, 9)))
    title = "Contact outside the policy: camera maker's cloud"
    assert head == ["CEF:0", "camwarden", "camwarden", "0.1.0", "vendor_cloud", title, "8"]
    wanted = {
        "rt": "1700000000000", "externalId": transition.uid, "dvchost": "hall-1", "act": "new", "shost": "gate-07",
        "src": "10.20.0.17", "dst": "47.88.59.209", "dhost": "dev.hik-connect.com", "dpt": "443", "spt": "51234",
        "proto": "tcp", "smac": "44:19:b6:00:00:11", "outcome": "attempted", "cnt": "7", "out": "60",
        "deviceDirection": "1", "cs1Label": "incident", "cs1": transition.incident, "cs2": "Hikvision", "cs3": "CN",
        "cat": "vendor_cloud,foreign", "cn1": "2", "cn2": "9", "msg": transition.message,
    }  # fmt: skip
    assert wanted.items() <= said.items()
    assert not {key for key in said if key.endswith("Label") and key.removesuffix("Label") not in said}


def test_severities() -> None:
    """OCSF's five in CEF's ten."""
    told = [body(make_transition(1, severity=each)) for each in Severity]
    assert [cef(syslog.render(config(1, format="cef"), each))[0][6] for each in told] == ["1", "3", "5", "8", "10"]


def test_what_a_device_calls_itself_cannot_forge_a_key() -> None:
    """Equals signs and backslashes are escaped in the extension, where pipes are not."""
    device = msgspec.structs.replace(make_transition(1).device, name="a=b\\ dst=1.2.3.4|CEF:0", model="x\\=y")
    raw = syslog.render(config(1, format="cef"), body(make_transition(1, device=device, message="1=2\\n|")))
    assert b"shost=a\\=b\\\\ dst\\=1.2.3.4|CEF:0 " in raw
    _, said = cef(raw)
    assert (said["shost"], said["msg"], said["cs4"]) == ("a=b\\ dst=1.2.3.4|CEF:0", "1=2\\n|", "Hikvision x\\=y")
    assert "dst" not in said


def test_addresses_of_ipv6_have_keys_of_their_own() -> None:
    """src and dst are for IPv4."""
    device = msgspec.structs.replace(make_transition(1).device, ip="fd00::17")
    evidence = msgspec.structs.replace(EVIDENCE, device_ip="fd00::17", remote_ip="2001:db8::1")
    transition = make_transition(1, device=device, evidences=(evidence,))
    _, said = cef(syslog.render(config(1, format="cef"), body(transition)))
    assert (said["c6a2"], said["c6a3"]) == ("fd00::17", "2001:db8::1")
    assert (said["c6a2Label"], said["c6a3Label"]) == ("Source IPv6 Address", "Destination IPv6 Address")
    assert not {"src", "dst"} & said.keys()


@pytest.mark.parametrize("largest", [480, 600, 1024, 2048])
def test_a_message_keeps_to_its_size(largest: int) -> None:
    """Whole keys are left out, the lesser ones first."""
    transition = make_transition(1, evidences=(EVIDENCE,), message="=" * 900, rule="摄" * 900)
    raw = syslog.render(config(1, format="cef", max_bytes=largest), body(transition))
    assert len(raw) <= largest
    assert {"rt", "externalId", "dvchost", "cs1"} <= cef(raw)[1].keys()
