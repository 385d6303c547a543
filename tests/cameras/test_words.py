"""However a camera words an answer, it means the same; and the same seed brings the same words and mishaps."""

from __future__ import annotations

import io
import json
from collections import Counter
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

import aiohttp
import pytest

from tests.cameras import soap
from tests.cameras.asking import got, logged_in, pairs
from tests.cameras.dahua import dahua, dahua_life
from tests.cameras.isapi import DECLARED, Isapi, hikvision, hikvision_life
from tests.cameras.lapi import uniview, uniview_life
from tests.cameras.life import Life, Mishap
from tests.cameras.onvif import Onvif, onvif, onvif_life
from tests.cameras.phrasing import Order, Phrasing, Qualified, Unordered, element
from tests.cameras.serving import Camera
from tests.cameras.sunapi import hanwha, hanwha_life
from tests.cameras.vapix import axis, axis_life

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TURNS: Final = 25


def meaning_of_xml(document: str) -> Any:
    """Names in full, prefixes gone, order and white space forgotten."""
    prefixes: dict[str, str] = {}
    for _, (prefix, uri) in ElementTree.iterparse(io.BytesIO(document.encode()), events=("start-ns",)):
        prefixes[prefix] = uri

    def full(text: str | None) -> str:
        prefix, colon, local = (text or "").strip().partition(":")
        return f"{{{prefixes[prefix]}}}{local}" if colon and prefix in prefixes else (text or "").strip()

    def meant(node: ElementTree.Element) -> Any:
        attributes = sorted((key, full(value)) for key, value in node.attrib.items())
        return (node.tag, full(node.text), attributes, sorted(map(meant, node)))

    return meant(ElementTree.fromstring(document))


def meaning_of_json(document: str) -> Any:
    def meant(value: Any) -> Any:
        if isinstance(value, dict):
            return sorted((key, meant(each)) for key, each in value.items())
        return sorted(map(meant, value)) if isinstance(value, list) else str(value)

    return meant(json.loads(document))


def soap_call(service: str, action: str) -> Callable[[aiohttp.ClientSession], Awaitable[str]]:
    body = Phrasing(None).xml(element("s:Envelope", element("s:Body", element(f"{service}:{action}"))), soap.NAMESPACES)

    async def asked(session: aiohttp.ClientSession) -> str:
        async with session.post("/onvif/device_service", data=body) as response:
            return await response.text()

    return asked


def get(path: str, **headers: str) -> Callable[[aiohttp.ClientSession], Awaitable[str]]:
    return lambda session: got(session, path, headers=headers)


CASES: Final = {
    "isapi": (hikvision, hikvision_life, get("/ISAPI/System/capabilities"), meaning_of_xml),
    "isapi triggers": (hikvision, hikvision_life, get("/ISAPI/Event/triggers"), meaning_of_xml),
    "onvif rules": (onvif, onvif_life, soap_call("tan", "GetSupportedRules"), meaning_of_xml),
    "onvif topics": (onvif, onvif_life, soap_call("tev", "GetEventProperties"), meaning_of_xml),
    "onvif services": (onvif, onvif_life, soap_call("tds", "GetServices"), meaning_of_xml),
    "dahua": (dahua, dahua_life, get("/cgi-bin/configManager.cgi?action=getConfig&name=VideoAnalyseRule"), pairs),
    "vapix": (axis, axis_life, get("/axis-cgi/param.cgi?action=list&group=root.Properties"), pairs),
    "vapix applications": (axis, axis_life, get("/axis-cgi/applications/list.cgi"), meaning_of_xml),
    "sunapi": (
        hanwha,
        hanwha_life,
        get("/stw-cgi/system.cgi?msubmenu=deviceinfo&action=view", Accept="application/json"),
        meaning_of_json,
    ),
    "lapi": (uniview, uniview_life, get("/LAPI/V1.0/Channels/0/Smart/Capabilities"), meaning_of_json),
}


@pytest.mark.parametrize("case", CASES)
async def test_many_words_one_meaning(case: str) -> None:
    """Asked often, an answer is spelt in several ways, and all mean the same."""
    make, born, ask, meaning = CASES[case]
    life = born(seed=1)
    async with make(life) as camera, logged_in(camera) as session:
        said = [await ask(session) for _ in range(TURNS)]
        meant = [meaning(each) for each in said]
        assert all(each == meant[0] for each in meant)
        assert len(set(said)) > 5
        life.varies = False
        assert len({await ask(session) for _ in range(3)}) == 1
        assert meaning(await ask(session)) == meant[0]


@pytest.mark.parametrize("function", sorted(DECLARED))
async def test_what_an_update_brings_changes_the_meaning(function: str) -> None:
    """Every function that System/capabilities can name is told when it comes."""
    life = hikvision_life()
    life.supported.discard(function)
    life.named.clear()
    async with hikvision(life) as camera, logged_in(camera) as session:
        before = await got(session, "/ISAPI/System/capabilities")
        life.update(life.firmware, gains={function})
        after = await got(session, "/ISAPI/System/capabilities")
    name = DECLARED[function].rpartition("/")[2]
    assert (f"{name}>true<" in before, f"{name}>true<" in after) == (False, True)


async def _told(life: Life) -> tuple[list[str], list[int | None]]:
    life.mishaps = {Mishap.REFUSED: 0.2, Mishap.BUSY: 0.1}
    async with hikvision(life) as camera, logged_in(camera) as session:
        said = []
        for _ in range(30):
            async with session.get("/ISAPI/System/deviceInfo") as response:
                said.append(await response.text())
        return said, [asked.status for asked in camera.asked if asked.credentials == "digest"]


async def test_the_seed_decides() -> None:
    """Two cameras of one seed say the same in the same words, mishaps and all; of another seed they do not."""
    first, second, other = hikvision_life(seed=5), hikvision_life(seed=5), hikvision_life(seed=6)
    told = await _told(first)
    assert told == await _told(second)
    assert told != await _told(other)


def test_mishaps_come_as_often_as_they_should() -> None:
    """By their shares, and independently of what else is asked."""
    life = Life(mishaps={Mishap.REFUSED: 0.05, Mishap.SILENT: 0.02}, seed=9)
    drawn = []
    for number in range(2000):
        drawn.append(life.asked("a")[0])
        if number % 3:
            life.asked("b")
    counted = Counter(drawn)
    assert 60 <= counted[Mishap.REFUSED] <= 140
    assert 20 <= counted[Mishap.SILENT] <= 65
    alone = Life(mishaps=life.mishaps, seed=9)
    assert [alone.asked("a")[0] for _ in range(2000)] == drawn


@pytest.mark.parametrize("mishap", Mishap)
async def test_every_mishap(mishap: Mishap) -> None:
    """What is seen of each, and that the next answer is whole; aiohttp asks again by itself where nothing came."""
    life = hikvision_life()
    life.patience_s = 0.05
    life.plan("System/deviceInfo", mishap)
    async with hikvision(life) as camera, logged_in(camera) as session:
        seen = "cut"
        with suppress(aiohttp.ClientPayloadError):
            async with session.get("/ISAPI/System/deviceInfo") as response:
                await response.read()
                seen = str(response.status)
        assert seen == {"silent": "200", "lost": "200"}.get(mishap, mishap)
        assert "DeviceInfo>" in (await got(session, "/ISAPI/System/deviceInfo"))[-20:]
        first, *_, last = [asked.status for asked in camera.asked if asked.credentials == "digest"]
    assert (first, last) == (int(mishap) if mishap.isdigit() else None, 200)


def test_a_sequence_stays_one() -> None:
    """With runs only, neighbours of one name change places, others do not; qualified values follow the prefix."""
    root = element(
        "t:r", element("t:a", 1), element("t:b", 1), element("t:b", 2), element("t:c", {"n": Qualified("t", "x")})
    )
    written = {Phrasing(chance).xml(root, {"t": "urn:t"}, Order.RUNS).decode() for chance in chances(60)}
    orders = {tuple(child.tag[-1] + (child.text or "") for child in ElementTree.fromstring(each)) for each in written}
    assert orders == {("a1", "b1", "b2", "c"), ("a1", "b2", "b1", "c")}
    assert len({repr(meaning_of_xml(each)) for each in written}) == 1
    assert len({each.partition("xmlns:")[2].partition("=")[0] for each in written}) > 1


def test_lists_whose_order_means_something_keep_it() -> None:
    value = {"ordered": [1, 2, 3], "unordered": Unordered([1, 2, 3])}
    said = [json.loads(Phrasing(chance).json(value)) for chance in chances(40)]
    assert {tuple(each["ordered"]) for each in said} == {(1, 2, 3)}
    assert len({tuple(each["unordered"]) for each in said}) > 2


def chances(count: int) -> list[Any]:
    return [Random(number) for number in range(count)]


async def test_one_camera_may_speak_two_languages() -> None:
    """Of one life: what one says of the firmware, the other says too."""
    life = hikvision_life()
    async with Camera(life, Isapi, Onvif) as camera:
        for version in ("5.5.53", "5.7.12"):
            async with logged_in(camera) as session:
                assert f"V{version}" in await got(session, "/ISAPI/System/deviceInfo")
            async with logged_in(camera) as session:
                assert version in await soap_call("tds", "GetDeviceInformation")(session)
            life.update(life.firmware._replace(version="5.7.12"))
