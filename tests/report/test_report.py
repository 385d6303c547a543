"""The report: what it says is what the journal holds, nothing in it is markup or a reference, and it is bounded."""

from __future__ import annotations

import contextlib
import json
import re
import time
import xml.etree.ElementTree as Tree
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from monitor.config import Config, convert
from monitor.continuity import PREFIX, keeper, pages
from monitor.continuity.pages import contacts_in
from monitor.continuity.records import encode
from monitor.enrich.catalogue import Catalogue
from monitor.model.contacts import Outcome
from monitor.model.incidents import Activity, DeviceView
from monitor.model.verdicts import OperatorKind
from monitor.policy.settings import SiteConfig
from monitor.report.making import make, moment
from monitor.store.journal import Store
from monitor.store.reading import open_readonly
from pcaps import scenarios
from tests.report.full import month
from tests.report.journals import (
    BEGIN,
    CLOUD,
    DAY,
    HOUR,
    MADE,
    SECOND,
    SENSOR,
    contact,
    device,
    replayed,
    rows_said,
    run,
    transition,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path


VOID = {"meta", "br"}
SITE = SiteConfig(home=("GB",))


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load()


class Strict(HTMLParser):
    """Fails on an element that is not closed where it was opened."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.met: dict[str, int] = {}
        self.references: list[str] = []
        self.ids: list[str] = []
        self.feed(page.decode())
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.met[tag] = self.met.get(tag, 0) + 1
        for name, value in attrs:
            assert not name.startswith("on"), (tag, name)
            if name in {"src", "href", "xlink:href", "action", "data", "srcset", "poster"}:
                self.references.append(value or "")
            if name == "id":
                self.ids.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def checked(page: bytes) -> Strict:
    """Well-formed, with no script, nothing that is loaded, and pictures that are XML and say what they show."""
    seen = Strict(page)
    assert not {"script", "img", "iframe", "link", "object", "embed", "form", "base"} & seen.met.keys()
    assert all(each.startswith("#") and each[1:] in seen.ids for each in seen.references)
    assert len(set(seen.ids)) == len(seen.ids)
    style = re.findall(r"<style>(.*?)</style>", page.decode(), re.DOTALL)
    assert len(style) == 1
    assert "url(" not in style[0]
    assert "@import" not in style[0]
    for picture in re.findall(r"<svg.*?</svg>", page.decode(), re.DOTALL):
        read = Tree.fromstring(picture)
        assert read.get("role") != "img" or read.find("title").text
    for table in re.findall(r"<table>.*?</table>", page.decode(), re.DOTALL):
        assert "<caption>" in table
        assert 'scope="col"' in table
        assert 'scope="row"' in table
    return seen


def made(directory: Path, catalogue: Catalogue, site: SiteConfig = SITE, **times: int) -> bytes:
    page, damaged = make(directory, site, catalogue, **times, made_ns=MADE)
    assert not damaged
    checked(page)
    return page


def chapter(page: bytes, name: str) -> str:
    """The words about one device."""
    parts = [part for part in page.split(b"<section>") if f"><bdi>{name}</bdi></h3>".encode() in part]
    assert len(parts) == 1
    return rows_said(parts[0])


@pytest.mark.parametrize("name", [each for each in scenarios.NAMES if each != "airport_storm"])
def test_every_figure_is_the_journals(name: str, tmp_path: Path, catalogue: Catalogue) -> None:
    """Of each scenario: each contact's operator, attempts and outcome stand with its device; nobody else is blamed."""
    config = replayed(name, tmp_path)
    page = made(tmp_path, catalogue, config.site)
    with open_readonly(tmp_path) as reader:
        contacts, lost = contacts_in(reader.states(PREFIX))
        messages = [json.loads(each.body) for each in reader.newest_per_incident(1000)]
    assert not lost
    for row in contacts:
        words = chapter(page, row.device)
        assert row.verdict.operator in words
        if row.outbound:
            assert "Tried to go outside the site" in words
            assert "Yes: " in words or row.verdict.kind.value not in ("vendor_cloud", "p2p_cloud")
    for message in messages:
        assert rows_said(message["message"].encode()) in rows_said(page)
    told = sum(each["unmapped"]["camwarden"]["attempts"] for each in messages)
    assert told == 0 or f"{told:,} attempt" in page.decode()
    silent = {device.name for device in config.device} - {row.device for row in contacts if row.outbound}
    for quiet in silent:
        if f"<bdi>{quiet}</bdi></h3>".encode() in page:
            assert "Tried to go outside the site" not in chapter(page, quiet)


def test_a_storm_is_counted_exactly(tmp_path: Path, catalogue: Catalogue) -> None:
    """140 cameras that try one address: each has a chapter, and the plot's sum is the scenario's."""
    config = replayed("airport_storm", tmp_path)
    page = made(tmp_path, catalogue, config.site)
    expected = scenarios.load("airport_storm").expect
    total = sum(each.attempts for each in expected)
    assert f"{total:,} attempts against the policy, by the day they were told" in page.decode()
    assert page.count(b"<section>") == len(config.device)
    assert f"{len(expected)} tried to reach something outside the site" in rows_said(page)


def test_a_month(tmp_path: Path, catalogue: Catalogue) -> None:
    """A site with something of everything: the figures of each device and of the sensor."""
    page = made(month(tmp_path), catalogue, SiteConfig(home=("GB",), time_zone="Europe/London"))
    whole = rows_said(page)
    assert "47 attempts against the policy" in page.decode()
    assert "1 tried to reach something outside the site; 3 did not, as far as each was watched; of 1 it is not" in whole
    gate = chapter(page, "gate-07")
    assert "Tried to go outside the site: 2 destinations answered, 1 destination did not answer or refused." in gate
    assert "40 attempts, 2.4 kB out, 0 B in" in gate
    assert "Ireland (IE)" in gate
    assert "China (CN)" in gate
    for state in ("contradicted", "hidden", "dormant", "in use", "ready"):
        assert f"1 {state}" in gate
    assert "Update (certain) from V5.5.0 build 170725 to V5.5.800 build 210628" in gate
    assert "calls Kalay (HK)" in gate
    hall = chapter(page, "hall-09")
    assert "Watched 99.9 % of 720 h, attempted nothing outside the site." in hall
    assert "away or blind for at most 43 min, and 12 of a million packets were lost" in hall
    assert "Not known: it was not heard to say what it can do" in hall
    recorder = chapter(page, "recorder-1")
    assert "It looked up 1 name without going there." in recorder
    assert "asked 3 times" in recorder
    assert "Did it call a camera maker's own service? None seen; watched 99.9 % of 720 h." in recorder
    assert "without going there? Yes: Hik-Connect." in recorder
    assert "Not known: the device was never seen." in chapter(page, "cell-01")
    assert "All this says little: the device is only known to have been seen in 0.3 %" in chapter(page, "yard-03")
    assert "Nothing comes from eth1" in whole
    assert "2025-11-02 00:00 UTC (00:00 GMT)" in whole


def test_no_makers_service_is_denied_only_as_far_as_the_list_goes(tmp_path: Path, catalogue: Catalogue) -> None:
    """It called somebody whom no row names: what was checked is said. One that called nobody called no maker."""
    nobody = replace(CLOUD, operator="example.org", operator_key="domain:example.org", kind=OperatorKind.DOMAIN)
    devices = [device(), device("hall-09")]
    page = made(write(tmp_path, devices, [contact(verdict=nobody, names=("cam.example.org",))], ran=run()), catalogue)
    names, makers = catalogue.makers_services()
    limit = (
        f"Checked against {names} names and addresses of {makers} makers: "
        "a service that is not among them stands above under its own name or network."
    )
    question = "Did it call a camera maker's own service? None seen; watched 100 % of 720 h."
    assert f"{question} {limit} Did it use" in chapter(page, "gate-07")
    assert f"{question} Did it use" in chapter(page, "hall-09")


def test_an_empty_journal_claims_nothing(tmp_path: Path, catalogue: Catalogue) -> None:
    """No device, no time: the report says so."""
    page = rows_said(made(write(tmp_path), catalogue))
    assert "The journal knows nothing of this time." in page
    assert "nothing is known of any, and so nothing is claimed" in page
    assert "does not say what the sensor missed" in page


def test_a_journal_without_account_denies_nothing(tmp_path: Path, catalogue: Catalogue) -> None:
    """Devices, but no record of what the sensor missed: no negative anywhere."""
    page = rows_said(made(write(tmp_path, [device()]), catalogue))
    assert "Not known: the journal does not say what the sensor missed." in page
    assert "attempted nothing" not in page
    assert "None seen" not in page


def test_an_incident_whose_contact_is_gone_still_counts(tmp_path: Path, catalogue: Catalogue) -> None:
    """A contact made room for others, its incident is in the journal: the device is not acquitted."""
    page = made(write(tmp_path, [device()], transitions=[transition()], ran=run()), catalogue)
    assert "Tried to go outside the site: 1 destination known from incidents only." in chapter(page, "gate-07")


def test_who_began_is_not_guessed(tmp_path: Path, catalogue: Catalogue) -> None:
    """Packets were exchanged and nobody saw who began: neither blamed nor acquitted."""
    page = made(
        write(tmp_path, [device()], [contact(outbound=False, outcome=Outcome.TRANSFERRED)], ran=run()), catalogue
    )
    assert "Not known: it exchanged packets with 1 end outside the site" in chapter(page, "gate-07")
    assert "attempted nothing" not in chapter(page, "gate-07")


def test_a_ping_is_called_so(tmp_path: Path, catalogue: Catalogue) -> None:
    """It has no port; what stands in the place of one is not shown."""
    ends = [contact(services=((1, 0), (58, 129), (17, 0)), outcome=Outcome.ANSWERED)]
    words = chapter(made(write(tmp_path, [device()], ends, ran=run()), catalogue), "gate-07")
    assert "ping, ping (IPv6), udp/0" in words
    assert "icmp" not in words


def test_reached_from_outside_is_no_attempt(tmp_path: Path, catalogue: Catalogue) -> None:
    """A viewer from outside is told as such."""
    ends = [contact(outbound=False, invited=True, outcome=Outcome.TRANSFERRED)]
    words = chapter(made(write(tmp_path, [device()], ends, ran=run()), catalogue), "gate-07")
    assert "attempted nothing outside the site." in words
    assert "It was reached by 1 end outside, and answered." in words


def test_a_place_that_nobody_knows_is_not_home(tmp_path: Path, catalogue: Catalogue) -> None:
    """An end without a known country makes "another country" not known."""
    nowhere = msgspec.structs.replace(contact().verdict, location=None, jurisdiction=None)
    words = chapter(made(write(tmp_path, [device()], [contact(verdict=nowhere)], ran=run()), catalogue), "gate-07")
    assert "under another law? Not known: of 1 end nobody can say" in words


def test_a_core_network_is_on_the_site(tmp_path: Path, catalogue: Catalogue) -> None:
    """What is off limits is named, and is not outside."""
    directory = write(tmp_path, [device()], [contact(remote="10.1.0.9")], ran=run())
    words = chapter(made(directory, catalogue, SiteConfig(core_networks=("10.1.0.0/16",))), "gate-07")
    assert "attempted nothing outside the site." in words
    assert "on the site, off limits" in words
    assert "off limits? Yes: Hik-Connect." in words


def test_a_part_of_the_time(tmp_path: Path, catalogue: Catalogue) -> None:
    """What was wholly before or after is not in it; figures that may be of more are marked."""
    directory = month(tmp_path)
    before = made(directory, catalogue, until_ns=BEGIN + 12 * HOUR)
    assert "Hik-Connect" not in rows_said(before)
    assert "720 attempts, 64.8 kB out, 64.8 kB in *" in chapter(before, "gate-07")
    assert "Update (certain)" not in rows_said(before)
    middle = made(directory, catalogue, since_ns=BEGIN + 3 * DAY + 1, until_ns=BEGIN + 4 * DAY)
    assert "10 attempts against the policy" in middle.decode()
    assert "The journal knows nothing" in rows_said(made(directory, catalogue, since_ns=BEGIN + 40 * DAY))


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style></svg><svg onload=alert(1)>",
    "javascript:alert(1)",
    "\u202egpj.exe",
    "a\x00b\x1b[31mc\ud800",
    "&lt;b&gt;",
    "]]><!--",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_a_device_says_is_markup(name: str, tmp_path: Path, catalogue: Catalogue) -> None:
    """Names, makers, models, versions, operators and messages with markup, controls or turned writing stay text."""
    if "\ud800" in name:
        name = name.encode("utf-8", "replace").decode()  # no row can hold half a pair
    verdict = msgspec.structs.replace(contact().verdict, operator=name, organisation=name)
    view = DeviceView(name, name, name, "camera", None, None, None, None, None, name, None)
    directory = write(
        tmp_path,
        [device(name, vendor_name=name, model=name, firmware=name, recognised_by=name)],
        [contact(name, verdict=verdict, names=(name,), refused_by=name, outcome=Outcome.REFUSED)],
        transitions=[transition(device=view, message=name)],
        ran=run(),
    )
    page = made(directory, catalogue)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", page.decode())
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name)
    assert shown in rows_said(page) or "  " in shown


def test_equal_bytes(tmp_path: Path, catalogue: Catalogue) -> None:
    """The same journal gives the same bytes; when it was made stands in it once, and nowhere else."""
    directory = month(tmp_path)
    first, again = (make(directory, SITE, catalogue, made_ns=MADE)[0] for _ in range(2))
    assert first == again
    later = make(directory, SITE, catalogue, made_ns=MADE + DAY)[0]
    assert first != later
    cut = [re.sub(rb"<footer>.*</footer>", b"", each) for each in (first, later)]
    assert cut[0] == cut[1]
    assert rows_said(first).count("2026-12-06") == 1


def test_a_row_that_cannot_be_read_is_told(tmp_path: Path, catalogue: Catalogue) -> None:
    """A damaged contact may be any: nobody is acquitted."""
    write(tmp_path, [device()], ran=run())
    with contextlib.closing(Store.open(tmp_path, sensor=SENSOR, sinks=[], reserved=0)) as store:
        store.append([], lambda *_: b"", {f"{PREFIX}contact/0": b"rubbish"})
    page, damaged = make(tmp_path, SITE, catalogue, made_ns=MADE)
    assert damaged == 1
    assert "1 row of the journal cannot be read, so that nothing is denied" in rows_said(page)
    assert "attempted nothing" not in rows_said(page)


def test_what_was_forgotten_is_told(tmp_path: Path, catalogue: Catalogue) -> None:
    """A report that reaches back to deleted messages says so, one of a later time has nothing to say of it."""
    ended = transition(1, activity=Activity.END, time_ns=BEGIN + DAY)
    write(tmp_path, [device()], transitions=[ended, transition(2, incident="e" * 32)], ran=run())
    assert "deleted for their age" not in rows_said(made(tmp_path, catalogue))
    with contextlib.closing(Store.open(tmp_path, sensor=SENSOR, sinks=[], reserved=0)) as store:
        assert store.forget(store.last_seq + 1) == (1, 2)
    words = rows_said(made(tmp_path, catalogue))
    assert "Messages until 2025-11-02 00:00 UTC were deleted for their age (limits.journal_days): incidents" in words
    assert "deleted for their age" not in rows_said(made(tmp_path, catalogue, since_ns=BEGIN + 2 * DAY))


def test_a_thousand_devices(tmp_path: Path, catalogue: Catalogue) -> None:
    """A thousand devices with ten ends each and 5,000 incidents: 20 MB at most, in some seconds of processor time."""
    verdicts = [msgspec.structs.replace(contact().verdict, operator_key=f"domain:{each}") for each in range(10)]
    devices = [device(f"cam-{each:04}") for each in range(1000)]
    contacts = [
        contact(each.name, f"47.88.{end}.{1 + number % 250}", verdict=verdicts[end])
        for number, each in enumerate(devices)
        for end in range(len(verdicts))
    ]
    told = [
        transition(incident=f"{each:032x}", message=f"Camera cam-{each % 1000:04} tried", time_ns=BEGIN + each * SECOND)
        for each in range(5000)
    ]
    write(tmp_path, devices, contacts, transitions=told, ran=run())
    began = time.process_time()
    page, _ = make(tmp_path, SITE, catalogue, made_ns=MADE)
    spent = time.process_time() - began
    assert page.count(b"<section>") == 1000
    assert len(page) < 20_000_000
    assert spent < 10
    print(f"{len(page):,} bytes in {spent:.1f} s of processor time")


def test_times_as_people_write_them() -> None:
    """A day is by the site's clock, an offset is taken at its word, and what is none is one line."""
    site = SiteConfig(time_zone="Europe/Rome")
    assert moment("2025-11-01", site, "--since") == BEGIN - HOUR
    assert moment("2025-11-01T00:00Z", site, "--since") == BEGIN
    assert moment(None, site, "--since") is None
    with pytest.raises(ValueError, match="--until yesterday: a time such as"):
        moment("yesterday", site, "--until")


def test_a_time_that_ends_before_it_begins(tmp_path: Path, catalogue: Catalogue) -> None:
    with pytest.raises(ValueError, match="--since must be before --until"):
        make(tmp_path, SITE, catalogue, 2, 1, made_ns=MADE)


def test_configuration_without_home(tmp_path: Path, catalogue: Catalogue) -> None:
    """Without home countries nothing is called abroad, and nobody is asked."""
    config: Config = convert({}, "test")
    assert "another country" not in rows_said(made(month(tmp_path), catalogue, config.site))


def test_a_daemons_record_is_found() -> None:
    """What a run missed is read under the name that its keeper writes."""
    assert keeper.ENGINE == pages.RUN
    assert pages.DEVICES.startswith(PREFIX)


def test_a_replay_beside_a_run_has_no_account(tmp_path: Path, catalogue: Catalogue) -> None:
    """A replay into a daemon's journal rewrites devices: how long the sensor listened to them nobody knows then."""
    write(tmp_path, [device()], ran=run())
    with contextlib.closing(Store.open(tmp_path, sensor=SENSOR, sinks=[], reserved=0)) as store:
        store.append([], lambda *_: b"", {pages.REPLAYED: encode(run(arrived=0))})
    assert "What was lost meanwhile is not known." in chapter(made(tmp_path, catalogue), "gate-07")


def test_addresses_of_one_operator_are_one_row(tmp_path: Path, catalogue: Catalogue) -> None:
    """Attempts and bytes of all its addresses are added, and the best outcome stands."""
    more = contact(remote="47.88.59.211", counts=(2, 600, 100, 0), outcome=Outcome.ANSWERED)
    words = chapter(made(write(tmp_path, [device()], [contact(), more], ran=run()), catalogue), "gate-07")
    assert "the other end answered 42 attempts, 3.0 kB out, 100 B in" in words


def test_incidents_that_turn_out_to_be_one_are_counted_once(tmp_path: Path, catalogue: Catalogue) -> None:
    """What the one that ends has told is not told again by the one that goes on."""
    other = "b" * 32
    told = [
        transition(),
        transition(2, activity=Activity.END, merged_into=other),
        transition(incident=other, attempts=45, time_ns=BEGIN + 2 * DAY),
    ]
    page = made(write(tmp_path, [device()], transitions=told, ran=run()), catalogue)
    assert "45 attempts against the policy" in page.decode()


def test_an_incident_of_two_namesakes_is_given_to_neither(tmp_path: Path, catalogue: Catalogue) -> None:
    """A name alone that two devices have blames none of them; the incident stands on its own."""
    both = [device(key="a"), device(key="b")]
    page = rows_said(made(write(tmp_path, both, transitions=[transition()], ran=run()), catalogue))
    assert "Tried to go outside the site" not in page
    assert "attempted nothing" not in page
    assert "Not known: an incident may be its own or that of another device of this name." in page
    assert "devices that are known no more 1 in all, 1 open" in page
