"""RTSP and RTP as real devices speak them, held against tshark and against what is known of the devices.

That the lists of captures are whole was checked by other means: "RTSP/1." stands in four captures only (``grep -a``
over all of them), and every source below is one that tshark's heuristics for RTP find as well. Those find more:

* 2ic80: the media's datagrams quoted in ICMP errors, which are nobody's media any more;
* arkime/gtp-iphone: media inside a GTP tunnel, whose inner packets are not taken apart;
* ndpi/epicgames: a game's datagrams with a zeroed "source", in which the type alternates and nothing is in sequence;
* ndpi/teams, ndpi/stun_google_meet: sources that begin behind STUN and DTLS, and WebRTC's probes from source 0;
* 81 sources of a single datagram (telegram, mercury's capture2, gnutella ...), which prove nothing.

tshark's RTSP shows one row more in each scanned Foscam: the scanner's ONC RPC call to port 554, which it takes for
a continuation by its port.
"""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest

from monitor.model.address import pack
from monitor.model.facts import MediaSetup, MediaStream, RtspRequest, RtspResponse, SdpTrack
from monitor.protocols.conversation import Conversation
from monitor.protocols.media import Expected
from monitor.protocols.registry import STREAMS
from tests.oracles.running import CAPTURES, every_capture, observed, spread

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge
    from monitor.enrich.catalogue import Catalogue
    from monitor.model.facts import Fact

TEXTS: Final = "retina_rtsp_text/src"
DAHUA: Final = "2ic80_dahua_rtsp/rtsp.pcapng"
FOSCAM: Final = "mudscope_foscam_wansview/outputs/ut-wansview-cam-exp3/ut_exp3_wansview_foscam"
SPEAK_RTSP: Final = {
    DAHUA: "a session over UDP",
    "ndpi/pcap/rtsp_setup_http.pcapng": "one SETUP",
    f"{FOSCAM}_00003_20211123104651-rejected.pcap": "501 to a scanner's ONC RPC call",
    f"{FOSCAM}_00004_20211123104921-rejected.pcap": "501 to a scanner's ONC RPC call",
}
HAVE_RTP: Final = {
    DAHUA: "H264 to the viewer",
    "suricata_verify/tests/sip-method/sip.pcap": "PCMA, agreed on by SIP",
    "ndpi/pcap/fuzz-2006-06-26-2594.pcap": "the same call with damaged octets",
    "ndpi/pcap/stun_classic.pcap": "G729 both ways",
    "ndpi/pcap/i3d.pcap": "a game's voice; its RTCP names the same source",
    "ndpi/pcap/skype-conference-call.pcap": "voice",
    "ndpi/pcap/stun_wa_call.pcapng": "WhatsApp, voice",
    "ndpi/pcap/wa_voice.pcap": "WhatsApp, voice",
    "ndpi/pcap/stun_dtls_rtp.pcapng": "WebRTC",
    "ndpi/pcap/stun_google_meet.pcapng": "WebRTC",
}
WITHOUT: Final = 40
"""How many of the other captures the normal suite looks at."""

UNNAMED: Final = "an answer that says nothing of its maker"
MAKERS: Final[dict[str, tuple[str | None, str]]] = {
    "anjvision_describe.txt": (None, "Anjvision is not in the catalogue; MEDIAINFO=494D4B48 is not Hikvision's alone"),
    "anpviz_sdp.txt": (None, "the same server, sold as Anpviz"),
    "bad_rtptime.txt": (None, "Wowza, a server for anybody"),
    "bunny_describe.txt": (None, "Wowza"),
    "bunny_play.txt": (None, "Wowza"),
    "bunny_setup.txt": (None, "Wowza"),
    "dahua_describe_h264_aac_onvif.txt": ("dahua", "packetization-supported:DH"),
    "dahua_describe_h265_pcma.txt": ("dahua", "packetization-supported:DH"),
    "dahua_options.txt": (None, "Rtsp Server/3.0 is anybody's"),
    "dahua_play.txt": (None, UNNAMED),
    "dahua_setup.txt": (None, UNNAMED),
    "foscam_describe.txt": (None, '"IP Camera Video" and LIVE555 are anybody\'s'),
    "geovision_sdp.txt": (None, '"VCP IPC Realtime stream" is in no source; DecoderTag=h3c-v3 hints at another maker'),
    "gw_main_describe.txt": (None, "Rtsp Server/2.0 and H264Server are anybody's"),
    "gw_main_play.txt": (None, UNNAMED),
    "gw_main_setup_audio.txt": (None, UNNAMED),
    "gw_main_setup_video.txt": (None, UNNAMED),
    "gw_sub_describe.txt": (None, "Rtsp Server/2.0 and H264Server are anybody's"),
    "gw_sub_play.txt": (None, UNNAMED),
    "gw_sub_setup.txt": (None, UNNAMED),
    "h264dvr_describe.txt": (None, "H264DVR 1.0 is Xiongmai's and VIMTAG's"),
    "h264dvr_play.txt": (None, "H264DVR 1.0 is Xiongmai's and VIMTAG's"),
    "h264dvr_setup_audio.txt": (None, "H264DVR 1.0 is Xiongmai's and VIMTAG's"),
    "h264dvr_setup_video.txt": (None, "H264DVR 1.0 is Xiongmai's and VIMTAG's"),
    "hikvision_describe.txt": (
        None,
        "\"Media Presentation\" is EasyDarwin's as well; MEDIAINFO=494D4B48 is others' too",
    ),
    "hikvision_play.txt": (None, UNNAMED),
    "hikvision_setup.txt": (None, UNNAMED),
    "hikvision_setup_ssrc_space.txt": (None, UNNAMED),
    "ipcam_describe.txt": (None, "\"RTSP Session\" is anybody's; MEDIAINFO=494D4B48 is not Hikvision's alone"),
    "laureii_play.txt": (None, UNNAMED),
    "longse_unauthorized.txt": (None, "Longse is not in the catalogue"),
    "luckfox_rkipc_setup_tcp.txt": (None, UNNAMED),
    "luckfox_rkipc_setup_udp.txt": (None, UNNAMED),
    "macrovideo_describe.txt": (None, "Macro-Video is not in the catalogue"),
    "missing_content_type_describe.txt": (None, "libavformat"),
    "reolink_describe.txt": (None, '"preview" and LIVE555 are anybody\'s'),
    "reolink_describe_control_first.txt": (None, '"preview" and LIVE555 are anybody\'s'),
    "reolink_play.txt": (None, "Rtsp Server/2.0 is anybody's"),
    "reolink_setup.txt": (None, UNNAMED),
    "reolink_teardown.txt": (None, UNNAMED),
    "request.txt": (None, "a client's request"),
    "response.txt": (None, "Wowza"),
    "tplink_sdp.txt": ("tp-link", "its session's name"),
    "ubiquiti_sdp.txt": (None, "the session's name is a MAC; evostream is a server for anybody"),
    "vstarcam_describe.txt": (None, "VStarcam is not in the catalogue"),
}
"""Which maker each text proves, and by what; None: no maker, for a wrong one is worse than none."""
TRACKS: Final = {
    "anjvision_describe.txt": ["H265"],
    "anpviz_sdp.txt": ["H264", "MPEG4-GENERIC"],
    "bunny_describe.txt": ["MPEG4-GENERIC", "H264"],
    "dahua_describe_h264_aac_onvif.txt": ["H264", "MPEG4-GENERIC", "VND.ONVIF.METADATA"],
    "dahua_describe_h265_pcma.txt": ["H265", "PCMA"],
    "foscam_describe.txt": ["H264", "PCMU"],
    "geovision_sdp.txt": ["H264", "VND.ONVIF.METADATA"],
    "gw_main_describe.txt": ["H264", "PCMU"],
    "gw_sub_describe.txt": ["H264"],
    "h264dvr_describe.txt": ["H264", "PCMA"],
    "hikvision_describe.txt": ["H264", "VND.ONVIF.METADATA"],
    "ipcam_describe.txt": ["H264"],
    "macrovideo_describe.txt": ["H264"],
    "missing_content_type_describe.txt": ["H264", "MPEG4-GENERIC"],
    "reolink_describe.txt": ["H264", "MPEG4-GENERIC"],
    "reolink_describe_control_first.txt": ["H264", "MPEG4-GENERIC"],
    "response.txt": ["MPEG4-GENERIC", "H264"],
    "tplink_sdp.txt": ["H265", "PCMA", "TP-LINK"],
    "ubiquiti_sdp.txt": ["MPEG4-GENERIC", "OPUS", "H264"],
    "vstarcam_describe.txt": ["H264", "PCMA"],
}
METHODS: Final = {"describe": "DESCRIBE", "sdp": "DESCRIBE", "setup": "SETUP", "play": "PLAY", "options": "OPTIONS"}


def texts() -> dict[str, Path]:
    """The answers that real devices gave, by file name."""
    return {file.name: file for file in sorted((CAPTURES / TEXTS).rglob("*.txt"))}


def conversed(file: Path) -> list[Fact]:
    """The text as the answer to a plausible request; a bare description gets an answer around it."""
    data = file.read_bytes()
    if file.stem.endswith("_sdp"):
        data = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n" % len(data) + data
    found = re.search(rb"(?i)^cseq: *(\d+)", data, re.MULTILINE)
    assert found is not None
    method = next((name for part, name in METHODS.items() if part in file.stem.split("_")), "DESCRIBE")
    request = f"{method} rtsp://192.0.2.7/live RTSP/1.0\r\nCSeq: {int(found[1])}\r\n\r\n".encode()
    conversation = Conversation(STREAMS, 40000, 554, stream=True)
    if data.startswith(b"RTSP/"):
        return conversation.feed(0, request) + conversation.feed(1, data)
    return conversation.feed(0, data)


def makers(facts: list[Fact], catalogue: Catalogue) -> set[str]:
    """Every vendor that a banner, realm or description names."""
    found = []
    for fact in facts:
        if isinstance(fact, RtspResponse):
            found.append(catalogue.vendor_of_banner(server=fact.server, realm=fact.realm))
        elif isinstance(fact, SdpTrack):
            found += [catalogue.vendor_of_banner(server=mark) for mark in (fact.session, fact.tool, *fact.marks)]
    return {vendor.key for vendor in found if vendor is not None}


def test_every_text_is_judged(captures: Path) -> None:
    """The table above names each file that there is."""
    assert texts().keys() == MAKERS.keys()


@pytest.mark.parametrize("name", MAKERS)
def test_makers_and_tracks(name: str, captures: Path, known: Knowledge) -> None:
    """The right maker or none, never a wrong one; every track; a set-up where one was agreed on."""
    facts = conversed(texts()[name])
    maker, _ = MAKERS[name]
    assert makers(facts, known.catalogue) == ({maker} if maker else set())
    assert [fact.codec for fact in facts if isinstance(fact, SdpTrack)] == TRACKS.get(name, [])
    assert len([fact for fact in facts if isinstance(fact, MediaSetup)]) == ("_setup" in name)
    assert len([fact for fact in facts if isinstance(fact, RtspRequest | RtspResponse)]) == 1 + (name != "request.txt")


@pytest.mark.parametrize(
    ("realm", "maker"),
    [
        ("IP Camera(C1214)", "hikvision"),
        ("IP Camera", None),
        ("AXIS_WS_ACCC8E000001", "axis"),
        ("iPOLiS", "hanwha"),
        ("Login to 3C01A2BPAZ12345", "dahua"),
        ("TP-LINK IP-Camera", "tp-link"),
        ("Surveillance Server", None),
        ("RTSPD", None),
    ],
)
def test_realms(realm: str, maker: str | None, known: Knowledge) -> None:
    """Realms that sources give, as RTSP servers send them."""
    found = known.catalogue.vendor_of_banner(realm=realm)
    assert (found.key if found else None) == maker


def shark(capture: Path) -> Counter[tuple[str, str]]:
    """Requests by method and answers by status, as tshark has them."""
    command = ["tshark", "-n", "-r", str(capture), "-Y", "rtsp.method || rtsp.status", "-T", "fields"]
    command += ["-e", "rtsp.method", "-e", "rtsp.status"]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return Counter((method, status) for method, _, status in (row.partition("\t") for row in rows))


@pytest.mark.parametrize("file", SPEAK_RTSP)
def test_messages_are_those_that_tshark_sees(file: str, captures: Path, known: Knowledge) -> None:
    """Each request and answer, by method and status: no more, no less."""
    rows = observed(known, captures / file, "rtsp.request", "rtsp.response")
    ours = Counter((row.get("method", ""), str(row.get("status", ""))) for row in rows)
    assert ours == shark(captures / file)
    assert ours


def test_a_dahua_camera(captures: Path, known: Knowledge) -> None:
    """Realm and server, its one track, what was agreed on; and the media is that session's, by its ports."""
    rows = observed(known, captures / DAHUA, "rtsp.request", "rtsp.response", "sdp.track", "rtsp.setup", "rtp.stream")
    of: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        of.setdefault(row["kind"], []).append(row)
    assert {row["realm"] for row in of["rtsp.response"] if row["status"] == 401} == {"Login to 4H01D66PAJ2FA64"}
    assert {row["server"] for row in of["rtsp.response"]} == {None, "Rtsp Server/3.0"}
    assert [(row["media"], row["codec"], row["control"]) for row in of["sdp.track"]] == [("video", "H264", "trackID=0")]
    (setup,), (stream,) = of["rtsp.setup"], of["rtp.stream"]
    assert (setup["client_ports"], setup["server_ports"]) == ([46048, 46049], [36854, 36855])
    assert (stream["ssrc"], stream["payload_type"]) == (0x4DD55626, 96)
    assert "response=" not in repr(rows)
    assert "nonce" not in repr(rows)

    expected = Expected()
    fact = MediaSetup(
        setup["media"],
        setup["codec"],
        setup["control"],
        None,
        tuple(setup["client_ports"]),
        tuple(setup["server_ports"]),
    )
    expected.expect(fact, pack(setup["dst"]), pack(setup["src"]), setup["community_id"], setup["ts_ns"])
    ends = pack(stream["src"]), stream["sport"], pack(stream["dst"]), stream["dport"]
    heard = MediaStream("udp", stream["ssrc"], stream["payload_type"], None, None)
    known_as = expected.attributed(heard, *ends, stream["ts_ns"])
    assert (known_as.media, known_as.codec, known_as.session) == (
        "video",
        "H264",
        of["rtsp.request"][0]["community_id"],
    )


@pytest.mark.parametrize("file", HAVE_RTP)
def test_media_is_found(file: str, captures: Path, known: Knowledge) -> None:
    """Each capture with media shows it; a source is said once in each direction of a flow."""
    rows = observed(known, captures / file, "rtp.stream")
    assert rows
    said = [(row["src"], row["sport"], row["dst"], row["dport"], row["ssrc"]) for row in rows]
    assert len(said) == len(set(said))


@pytest.mark.parametrize("file", spread({*every_capture()} - {*SPEAK_RTSP} - {*HAVE_RTP}, WITHOUT))
def test_not_found_elsewhere(file: str, captures: Path, known: Knowledge) -> None:
    """A sample of the other captures has neither."""
    assert not observed(known, captures / file, "rtsp.request", "rtsp.response", "sdp.track", "rtp.stream")


@pytest.mark.slow
def test_found_nowhere_else(captures: Path, known: Knowledge) -> None:
    """All captures: those listed have RTSP or media, the others do not, and none has malformed RTSP."""
    rtsp, rtp = set(), set()
    for file in every_capture():
        rows = observed(known, captures / file, "rtsp.request", "rtsp.response", "rtp.stream", "malformed")
        rtsp |= {file for row in rows if row["kind"].startswith("rtsp.")}
        rtp |= {file for row in rows if row["kind"] == "rtp.stream"}
        assert not [row for row in rows if row["kind"] == "malformed" and row["layer"] == "rtsp"]
    assert rtsp == {*SPEAK_RTSP}
    assert rtp == {*HAVE_RTP}
