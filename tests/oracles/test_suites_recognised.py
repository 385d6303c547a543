"""The captures of nDPI's and Zeek's suites that hold RTSP, STUN, SSDP or QUIC are recognised as such.

Listed is what tshark 4.0 shows, what the file's name says, and gQUIC besides. Not in the lists, and why:

* ``ndpi/pcap/quic_sh.pcap`` holds short headers only, which nothing tells from noise: tshark says UDP;
* ``ndpi/pcap/quic-fuzz-overflow.pcapng`` is one fragment, ``zeek/Traces/quic/vector-max-size-crash.pcap`` DNS;
* ``ndpi/pcap/http_ipv6.pcap`` has QUIC that was under way before the capture began, with no hello;
* ``ndpi/pcap/quickplay.pcap`` and ``ndpi/pcap/rtps.pcap`` hold neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.oracles.running import observed

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.app import Knowledge

QUIC: Final = (
    *(
        f"ndpi/pcap/{name}"
        for name in (
            "doq_adguard.pcapng", "google_meet.pcapng", "gquic.pcap", "quic-23.pcap", "quic-27.pcap", "quic-28.pcap",
            "quic-29.pcap", "quic-34.pcap", "quic046.pcap", "quic_0RTT.pcap", "quic_crypto_aes_auth_size.pcap",
            "quic_frags_different_dcid.pcapng", "quic_interop_V.pcapng", "quic_q39.pcap", "quic_q43.pcap",
            "quic_q46.pcap", "quic_q46_b.pcap", "quic_t50.pcap", "sites.pcapng", "telegram.pcap", "youtube_quic.pcap",
        )
    ),
    *(
        f"zeek/Traces/quic/{name}.pcap"
        for name in (
            "chromium-dpd-custom-port-4433", "curl-8.1.2-dev-http3-www-google-de", "quic-decrypt-fail-google-de-51833",
            "quic-multiple-initial-fragmented-crypto-only-initial", "quicv2-echo-dpd-custom-port-4433",
        )
    ),
)  # fmt: skip
STUN: Final = (
    *(
        f"ndpi/pcap/{name}"
        for name in (
            "adult_content.pcap", "skype-conference-call.pcap", "stun_classic.pcap", "stun_dtls_rtp.pcapng",
            "stun_dtls_unidirectional_client.pcap", "stun_google_meet.pcapng", "stun_wa_call.pcapng",
            "stun_zoom.pcapng", "teams.pcap", "telegram_videocall.pcapng", "wa_voice.pcap",
            "whatsapp_voice_and_message.pcap",
        )
    ),
    "zeek/Traces/tls/webrtc-stun.pcap",
)  # fmt: skip
SSDP: Final = tuple(
    f"ndpi/pcap/{name}.pcap"
    for name in ("anyconnect-vpn", "gnutella", "iphone", "ssdp-m-search", "telegram", "wa_voice")
)
RTSP: Final = ("ndpi/pcap/rtsp_setup_http.pcapng",)
CASES: Final = (
    *((file, "quic.client_hello", None) for file in QUIC),
    *((file, "stun", None) for file in STUN),
    *((file, "discovery.query", "ssdp") for file in SSDP),
    *((file, "rtsp.request", None) for file in RTSP),
)


@pytest.mark.parametrize(("file", "kind", "protocol"), CASES)
def test_recognised(file: str, kind: str, protocol: str | None, captures: Path, known: Knowledge) -> None:
    """At least one observation of that kind, and of that protocol where the kind has several."""
    rows = observed(known, captures / file, kind)
    assert [row for row in rows if row.get("protocol") == protocol]
