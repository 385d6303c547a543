"""What ``replay`` says of real cameras, held against what tshark and a reader see in their captures.

Each contact's attempts, frame bytes each way and outcome are counted a second time by ``by_hand``. What is found to be
said wrongly stands as a strict xfail with its evidence: it fails here as soon as it is mended.
"""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from monitor.model.address import text
from monitor.model.contacts import Trait
from tests.oracles.by_hand import dealings
from tests.oracles.running import observed, replayed

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge
    from monitor.model.incidents import Transition
    from tests.oracles.running import Run

    Counts = dict[str, tuple[int, int, int, str]]

YI = "intl_iot/model/yi_camera_sample.pcap"
EUFY = "update_traffic_eufy/controlled/eufy/eufi_full_updated.pcapng"
XIAOMI = "smart_home_firewall/eval/latency/xiaomi-cam/no-firewall/wan.pcap"
DLINK = "smart_home_firewall/eval/latency/dlink-cam/no-firewall/wan.pcap"
BLINK = "fit_iot_dataset/pcaps/blink-cam-01.pcap"
FOSCAM = "mudscope_foscam_wansview/outputs/tue-foscam-cam-exp2/trimmed/tue_exp2_trim_wansview_tplink"
NKU = "nku_lifecycle/result_demo/traffic_demo/xiaobai_Y2camera_lifecycle/xiaobai_Y2camera"
FIRST_BOOT = "iot_sentinel/D-LinkCam/Setup-A-1-STA.pcap"

STORIES = [
    (YI, "192.168.10.204", 3),
    (EUFY, "10.42.0.160", 6),
    (XIAOMI, "192.168.1.161", 12),
    (DLINK, "192.168.1.115", 7),
    (FIRST_BOOT, "10.10.10.37", 5),
    (f"{FOSCAM}_00004_20211118160319-rejected.pcap", "192.168.10.61", 2),
    (f"{NKU}_setup.pcap", "192.168.1.165", 9),
    (f"{NKU}_idle_local.pcap", "192.168.1.165", 12),
]
MORE = [
    (BLINK, "192.168.1.129", 4),
    (f"{FOSCAM}_00002_20211118155819-rejected.pcap", "192.168.10.61", 2),
    (f"{NKU}_idle_remote.pcap", "192.168.1.165", 6),
    (f"{NKU}_speak_local.pcap", "192.168.1.165", 2),
    (f"{NKU}_speak_remote.pcap", "192.168.1.165", 3),
    (f"{NKU}_update.pcap", "192.168.1.165", 7),
    (f"{NKU}_delete.pcap", "192.168.1.165", 1),
]
"""Only among the slow tests: tshark is not quick."""


def counted(run: Run, address: str) -> Counts:
    """Of each remote address: attempts, bytes out, bytes in, outcome."""
    found: Counts = {}
    for contact in run.contacts(address):
        if contact.remote is not None:
            assert text(contact.remote) not in found, "two operators at one address"
            entry = (contact.attempts, contact.bytes_out, contact.bytes_in, contact.outcome.label)
            found[text(contact.remote)] = entry
    return found


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize(
    ("file", "address", "remotes"), [*STORIES, *(pytest.param(*each, marks=pytest.mark.slow) for each in MORE)]
)
def test_every_contact_counted_by_hand(file: str, address: str, remotes: int, captures: Path, known: Knowledge) -> None:
    """Attempts, bytes and outcome of every contact are those of an independent count; none is missing or made up."""
    run = replayed(known, captures / file, cameras=[f"{address}/32"], home=("GB",))
    wanted = {
        remote: (each.attempts, each.bytes_out, each.bytes_in, each.outcome)
        for remote, each in dealings(captures / file, address).items()
    }
    assert counted(run, address) == wanted
    assert len(wanted) == remotes


class TestYi:
    """A camera that logs in at three hard-coded servers; its viewer is a phone on the LAN."""

    @pytest.fixture
    def run(self, captures: Path, known: Knowledge) -> Run:
        return replayed(known, captures / YI, home=("GB",))

    def test_camera_is_recognised_and_nobody_else(self, run: Run) -> None:
        """By the logins that it sends. The phone, which speaks the same protocol on the LAN, is not blamed."""
        assert run.watched() == {"192.168.10.204": "speaks CS2/PPPP"}

    def test_one_incident_of_three_servers(self, run: Run) -> None:
        """One P2P cloud, one attempt each, answered; the video to the phone, 850 kB, is no part of it."""
        (last,) = run.last().values()
        assert {each.incident for each in run.told} == {last.incident}
        assert (last.kind, last.outcome.label, last.attempts) == ("p2p_cloud", "transferred", 3)
        assert (last.bytes_out, last.bytes_in) == (3 * 346, 3 * 162)
        assert {each.remote_ip for each in last.evidences} == {"47.88.59.209", "47.90.240.160", "47.74.255.9"}
        assert {(each.proto, each.remote_port) for each in last.evidences} == {(17, 32100)}
        assert last.verdict.jurisdiction == "CN"

    def test_no_name_was_ever_asked_for(self, captures: Path, known: Knowledge, run: Run) -> None:
        """No DNS at all; yet "literal address" is not said: the capture begins after the boot."""
        assert observed(known, captures / YI, "dns.query", "dns.answer") == []
        assert "literal_address" not in run.told[-1].properties


class TestEufy:
    """A camera with three P2P regions, and a resolver of its own choice."""

    @pytest.fixture
    def run(self, captures: Path, known: Knowledge) -> Run:
        return replayed(known, captures / EUFY, home=("GB",))

    def test_camera_is_recognised_and_nobody_else(self, run: Run) -> None:
        """Neither the gateway, 10.42.0.1, nor the viewer behind it, 192.168.0.13."""
        assert run.watched() == {"10.42.0.160": "speaks CS2/PPPP"}

    def test_own_resolver(self, run: Run) -> None:
        """It asks 8.8.4.4 and not its gateway."""
        (resolver,) = (each for each in run.told if "8.8.4.4" in {one.remote_ip for one in each.evidences})
        assert "own_resolver" in resolver.properties
        assert (resolver.attempts, resolver.bytes_out, resolver.bytes_in) == (1, 88, 289)
        others = [each for each in run.told if each.incident != resolver.incident]
        assert not any("own_resolver" in each.properties for each in others)

    def test_three_regions_are_one_incident(self, run: Run) -> None:
        """France, Germany and Singapore: one operator, sixteen attempts."""
        last = [each for each in run.told if each.kind == "p2p_cloud"][-1]
        regions = {each.remote_ip: each.country for each in last.evidences}
        assert regions == {"15.236.219.167": "FR", "18.197.212.165": "DE", "13.251.222.7": "SG"}
        assert (last.attempts, last.outcome.label) == (16, "transferred")

    def test_name_is_the_one_that_it_used(self, run: Run) -> None:
        """The SNI, which the resolver had told as well."""
        (contact,) = (each for each in run.contacts("10.42.0.160") if each.names)
        assert (contact.names, contact.name_source) == (("security-app-eu.eufylife.com",), "sni")
        assert contact.remote is not None
        assert text(contact.remote) == "18.196.167.40"

    def test_gateway_and_the_host_behind_it_are_two(self, run: Run) -> None:
        """192.168.0.13 is behind 10.42.0.1, and the gateway's MAC fronts both.

        ``Attribution.begin`` calls ``carries_others`` only with the MAC of a *remote initiator*; here all flows begin
        inside, so the MAC that they are sent to is never taken for a router's. And ``Devices._v4_seen`` is only
        written when a flow begins: the viewer's one flow lasts all the time, so the two addresses seem 83 s apart.
        """
        listed = [set(map(text, each.addresses)) for each in run.engine.attribution.devices]
        assert not any({"192.168.0.13", "10.42.0.1"} <= addresses for addresses in listed)


class TestXiaomi:
    """Frames cut at 150 octets; four P2P servers, and a viewer abroad who gets the video."""

    @pytest.fixture
    def run(self, captures: Path, known: Knowledge) -> Run:
        return replayed(known, captures / XIAOMI, home=("GB",))

    @staticmethod
    def to_the_viewer(run: Run) -> Transition:
        """The newest word on the incident in which the viewer is."""
        return [each for each in run.told if "130.104.214.55" in {one.remote_ip for one in each.evidences}][-1]

    def test_camera_is_recognised_and_nobody_else(self, run: Run) -> None:
        """The viewer's phone, 192.168.1.222, sends PPPP as well, but as a client; router and plug do not."""
        assert run.watched() == {"192.168.1.161": "speaks CS2/PPPP"}

    def test_video_went_to_belgium(self, run: Run) -> None:
        """5.32 MB of the incident's 5.33 went to the viewer at 130.104.214.55, to which the servers had pointed."""
        counts = counted(run, "192.168.1.161")
        assert counts["130.104.214.55"] == (3, 5_318_924, 481_447, "transferred")
        last = self.to_the_viewer(run)
        assert last.bytes_out == 5_318_924 + 10_828
        assert "BE" in {each.country for each in last.evidences}

    def test_servers_with_xiaomis_names_are_xiaomis(self, run: Run) -> None:
        """Two of the four P2P servers have names below io.mi.com: another operator, hence another incident."""
        (last,) = {
            each.incident: each for each in run.told if each.verdict and each.verdict.vendor == "xiaomi"
        }.values()
        assert {each.remote_ip for each in last.evidences} == {"110.43.39.53", "110.43.68.154"}
        assert (last.kind, last.bytes_out, last.attempts) == ("p2p_cloud", 2 * 10_828, 56)

    def test_pings_are_no_resolver(self, run: Run) -> None:
        """8.8.8.8 is only pinged: its incident says nothing of an own resolver."""
        (contact,) = (each for each in run.contacts("192.168.1.161") if each.remote and text(each.remote) == "8.8.8.8")
        assert contact.services == ((1, 0),)
        assert Trait.OWN_RESOLVER not in contact.traits

    def test_cut_answer_proves_nothing(self, run: Run) -> None:
        """Frame 383 is the answer about business.smartcamera.api.io.mi.com, 159 octets cut at 150: two records are
        announced, one is there. 2.0 ms later the camera opens a connection to 20.47.97.231, twice. "Nothing was sent"
        is not known, and by all appearance wrong."""
        asked = [each for each in run.told if each.kind == "name_lookup"]
        assert not any("business.smartcamera.api.io.mi.com" in each.message for each in asked)

    def test_sentence_does_not_send_the_video_to_china(self, run: Run) -> None:
        """It says: "tried 90 times to reach 42.157.165.251 and 3 more (... address in CN ...); 5,351,408 bytes went
        out". 10,828 bytes went there; 5,318,924 went to Belgium. The busiest address, or all countries, must be told."""
        last = self.to_the_viewer(run)
        assert "130.104.214.55" in last.message or "BE" in last.message

    def test_announcing_a_service_is_no_boot(self, captures: Path, known: Knowledge) -> None:
        """With the phone named as a camera 20-odd incidents say "literal_address". It never booted in the capture: at
        851 s it announces a service with an mDNS probe (RFC 6762, 8.1), which ``Devices.learn`` takes for an address
        probe (RFC 5227) because both messages are called "probe". It looks names up elsewhere (SYNs to port 853)."""
        run = replayed(known, captures / XIAOMI, cameras=["192.168.1.222/32"], home=("GB",))
        assert not any("literal_address" in each.properties for each in run.told)


class TestDlink:
    """DCS-8000LH: looks names up, relays over TLS, then punches holes towards a viewer at a university."""

    @pytest.fixture
    def run(self, captures: Path, known: Knowledge) -> Run:
        return replayed(known, captures / DLINK, cameras=["192.168.1.115/32"], home=("GB",))

    def test_refusal_is_the_other_ends(self, run: Run) -> None:
        """130.104.228.95 answers all datagrams with ICMP port unreachable, from its own address."""
        (contact,) = (c for c in run.contacts("192.168.1.115") if c.remote and text(c.remote) == "130.104.228.95")
        assert (contact.outcome.label, contact.refused_by) == ("refused", "peer")
        assert contact.attempts == 20

    def test_literal_addresses(self, captures: Path, known: Knowledge, run: Run) -> None:
        """Booted before our eyes; of two addresses without a name one is the viewer's, and one, a STUN server said, the site's own."""
        told = {address for row in observed(known, captures / DLINK, "dns.answer") for address in row["addresses"]}
        literal = {
            text(each.remote)
            for each in run.contacts("192.168.1.115")
            if each.remote and Trait.LITERAL_ADDRESS in each.traits
        }
        assert literal == {"130.104.214.55"}
        contacts = run.contacts("192.168.1.115")
        mapped = {text(each.remote) for each in contacts if each.remote and Trait.MAPPED_ADDRESS in each.traits}
        assert mapped == {"130.104.228.95"}
        assert not literal & told

    def test_names_and_operator(self, run: Run) -> None:
        """Six servers of mydlink.com are one incident."""
        last = run.last()
        assert set(last) == {"D-Link", "AS2611 BELNET"}
        assert (last["D-Link"].kind, last["D-Link"].attempts) == ("vendor_cloud", 8)


class TestBlink:
    """Headers only, and a VLAN tag in one direction only."""

    def test_a_tag_in_one_direction_splits_no_flow(self, captures: Path, known: Knowledge) -> None:
        """38 connections are 38 flows, each with packets of both directions."""
        flows = [row for row in observed(known, captures / BLINK, "flow.end") if row["proto"] == "tcp"]
        assert len(flows) == sum(row["attempts"] for row in flows) == 38
        assert all(row["packets_out"] and row["packets_in"] for row in flows)

    def test_quiet_days_end_incidents(self, captures: Path, known: Knowledge) -> None:
        """Seven days, in which the cloud's addresses change: each incident is told again only after a quiet day."""
        run = replayed(known, captures / BLINK, cameras=["192.168.1.129/32"], home=("GB",))
        kinds = Counter(each.activity.name for each in run.told)
        assert kinds["NEW"] == kinds["END"] + 1
        assert sum(each.attempts for each in {one.incident: one for one in run.told}.values()) == 38


class TestFoscam:
    """A TURN path that was open before the capture began."""

    @pytest.mark.parametrize("part", ["00002_20211118155819", "00004_20211118160319"])
    def test_open_path_is_told_whoever_is_heard_first(self, part: str, captures: Path, known: Knowledge) -> None:
        """In the first capture the camera is heard first, in the second its server."""
        file = captures / f"{FOSCAM}_{part}-rejected.pcap"
        run = replayed(known, file, cameras=["192.168.10.61/32"], home=("GB",))
        remotes = {evidence.remote_ip for each in run.told for evidence in each.evidences}
        assert remotes == {"84.16.232.131", "20.101.57.9"}


class TestSiren:
    """A D-Link siren, whose stack ends each connection with two equal resets, well within a millisecond."""

    @pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
    def test_what_was_sent_twice_is_counted_twice(self, captures: Path, known: Knowledge) -> None:
        """The packets have IP identification 0, as resets of Linux have: that they are equal proves no
        mirror. It costs the Yi camera 19 packets towards its phone too, and the Xiaomi capture 79."""
        file, address = captures / "iot_sentinel" / "D-LinkSiren" / "Setup-C-11-STA.pcap", "10.10.10.39"
        run = replayed(known, file)
        wanted = {remote: (each.bytes_out, each.bytes_in) for remote, each in dealings(file, address).items()}
        assert {remote: each[1:3] for remote, each in counted(run, address).items()} == wanted


class TestLocal:
    """Between hosts of one site."""

    def test_a_request_to_a_neighbour_is_no_contact(self, captures: Path, known: Knowledge) -> None:
        """A host asks another one on its LAN over HTTP, by name. It is told as an unexpected contact, "nothing
        answered", though the answer is in the capture: no outcome is ever heard of such a flow."""
        file = captures / "arkime" / "http-content-zip.pcap"
        run = replayed(known, file, cameras=["10.0.0.0/24"], home=("GB",))
        assert [each.message for each in run.told] == []
