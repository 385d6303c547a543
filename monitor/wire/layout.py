"""Numbers that the compiled modules and their callers share: what was found, events, flow columns.

``layout.pxd`` says the same to the compiler, as constants; a test holds the two together.
"""

from typing import Final

# What Frame.decode() found.
GO_ON: Final = 0
"""Not yet anything: the next header is to be read."""
IS_IP: Final = 1
IS_ARP: Final = 2
IS_FRAGMENT: Final = 3
IS_OTHER: Final = 4
IS_MALFORMED: Final = 5

# LINKTYPE_ values, https://www.tcpdump.org/linktypes.html
LINK_NULL: Final = 0
LINK_ETHERNET: Final = 1
LINK_PPP: Final = 9
LINK_RAW_BSD: Final = 12
LINK_RAW_OPENBSD: Final = 14
LINK_RAW: Final = 101
LINK_WIFI: Final = 105
LINK_LOOP: Final = 108
LINK_SLL: Final = 113
LINK_RADIOTAP: Final = 127
LINK_IPV4: Final = 228
LINK_IPV6: Final = 229
LINK_SLL2: Final = 276
LINK_SAME: Final = -1
"""No link layer: a reassembled datagram, to be read with the link fields of the frame before it."""

# EtherTypes, IEEE 802 Numbers (IANA); 0x9100 is the older double tag.
TYPE_IPV4: Final = 0x0800
TYPE_ARP: Final = 0x0806
TYPE_VLAN: Final = 0x8100
TYPE_IPV6: Final = 0x86DD
TYPE_QINQ: Final = 0x88A8
TYPE_QINQ_OLD: Final = 0x9100
TYPE_CMD: Final = 0x8909
"""Cisco MetaData, which carries a security group tag (Wireshark, epan/dissectors/packet-cmd.c)."""
TYPE_PPPOE: Final = 0x8864
TYPE_MPLS: Final = 0x8847
TYPE_MPLS_UPSTREAM: Final = 0x8848
TYPE_LEAST: Final = 0x0600
"""Below is a length, with LLC behind it (IEEE 802.3, 3.2.6)."""
# The same numbers in GRE: transparent Ethernet bridging (RFC 1701), PPP (RFC 2637), ERSPAN (draft-foschiano-erspan).
TYPE_BRIDGED: Final = 0x6558
TYPE_PPP: Final = 0x880B
TYPE_ERSPAN: Final = 0x88BE
TYPE_ERSPAN_III: Final = 0x22EB

COOKED_LLC: Final = 4
"""LINUX_SLL_P_802_2 where a cooked header has its EtherType."""
ARPHRD_NETLINK: Final = 824
"""A cooked packet of this kind has a netlink family there (LINKTYPE_LINUX_SLL)."""

MAX_TAGS: Final = 4
"""802.1Q and 802.1ad tags that are stepped over (threat model C1)."""
MAX_LABELS: Final = 8
"""MPLS labels that are stepped over (threat model C1)."""
MAX_EXTENSIONS: Final = 8
"""IPv6 extension headers that are stepped over (threat model C2)."""
MAX_TUNNELS: Final = 1
"""Tunnels that are entered (threat model C1)."""

# 802.11: bits of the frame control field's two bytes and of the QoS control field (IEEE 802.11-2020, 9.2.4).
WIFI_DATA: Final = 0x08
WIFI_NULL: Final = 0x40
WIFI_QOS: Final = 0x80
WIFI_TO_DS: Final = 0x01
WIFI_DS: Final = 0x03
WIFI_MORE: Final = 0x04
WIFI_PROTECTED: Final = 0x40
WIFI_ORDER: Final = 0x80
WIFI_AGGREGATE: Final = 0x80
# Radiotap: bits of the first presence word, and of the field Flags (https://www.radiotap.org/fields/).
RADIOTAP_TSFT: Final = 1
RADIOTAP_FLAGS: Final = 2
RADIOTAP_PADDED: Final = 0x20

# PPP protocols (IANA).
PPP_ADDRESS_CONTROL: Final = 0xFF03
PPP_IPV4: Final = 0x0021
PPP_IPV6: Final = 0x0057
PPP_MPLS: Final = 0x0281

# Protocol numbers (IANA).
PROTO_ICMP: Final = 1
PROTO_IPIP: Final = 4
PROTO_TCP: Final = 6
PROTO_UDP: Final = 17
PROTO_IPV6: Final = 41
PROTO_GRE: Final = 47
PROTO_ICMP6: Final = 58
PROTO_NONE: Final = 59
PROTO_SCTP: Final = 132

# UDP ports of overlays (IANA; Linux's VXLAN before it had one).
PORT_VXLAN: Final = 4789
PORT_VXLAN_LINUX: Final = 8472
PORT_GENEVE: Final = 6081
VXLAN_FLAGS: Final = 0x08000000
"""First word of a VXLAN header: flag I, the rest reserved (RFC 7348, 5)."""
GENEVE_RESERVED: Final = 0x003F0000
"""Reserved bits of a GENEVE header's first word (RFC 8926, 3.4)."""

# GRE's first two bytes (RFC 2784, RFC 2890, RFC 1701, RFC 2637).
GRE_CHECKSUM: Final = 0x8000
GRE_ROUTING: Final = 0x4000
GRE_KEY: Final = 0x2000
GRE_SEQUENCE: Final = 0x1000
GRE_ACKNOWLEDGEMENT: Final = 0x0080
GRE_VERSION: Final = 7

# ERSPAN's first word and frame types (draft-foschiano-erspan-03).
ERSPAN_CUT: Final = 0x0400
ERSPAN_ETHERNET: Final = 0
ERSPAN_IP: Final = 2

# TCP flags (RFC 9293, 3.1).
TCP_FIN: Final = 1
TCP_SYN: Final = 2
TCP_RST: Final = 4
TCP_ACK: Final = 16
# TCP options (RFC 9293, 3.2; RFC 7323, 3.2).
TCP_END: Final = 0
TCP_NOP: Final = 1
TCP_TIMESTAMPS: Final = 8

# Layers and reasons of what is malformed: positions in LAYERS and REASONS.
AT_LINK: Final = 0
AT_IPV4: Final = 1
AT_IPV6: Final = 2
AT_TCP: Final = 3
AT_UDP: Final = 4
AT_ICMP: Final = 5
LAYERS: Final = ("link", "ipv4", "ipv6", "tcp", "udp", "icmp")

SHORT: Final = 0
WRONG_VERSION: Final = 1
BAD_HEADER: Final = 2
BAD_LENGTH: Final = 3
TOO_MANY_TAGS: Final = 4
TOO_MANY_EXTENSIONS: Final = 5
TOO_MANY_LABELS: Final = 6
REASONS: Final = (
    "header cut short",
    "wrong version",
    "bad header length",
    "length beyond the packet",
    "too many tags",
    "too many extension headers",
    "too many labels",
)

# Events of Scanner.scan(), as bits; DONE means that the block is used up.
DONE: Final = 0
TICK: Final = 1
"""The next packet is at or after ``due``. Nothing was consumed."""
EVICT: Final = 2
"""``slot`` must be released before the next packet can be taken. Nothing was consumed."""
REUSE: Final = 4
"""``slot`` is over: the next packet begins a new connection between the same ports. Nothing was consumed."""
NEW: Final = 8
ATTEMPT: Final = 16
ANSWER: Final = 32
REFUSE: Final = 64
TRANSFER: Final = 128
PAYLOAD: Final = 256
NEIGHBOUR: Final = 512
"""ARP or neighbour discovery."""
FRAGMENT: Final = 1024
ERROR: Final = 2048
"""An ICMP error, which quotes a packet."""
MALFORMED: Final = 4096
"""Told only if asked for; always counted."""
SYN: Final = 8192
"""A TCP connection request, of the initiator or (with ANSWER) its acceptance."""

# Columns of a flow's row. PACKETS, BYTES, PAYLOADS and WANT are two each: of the initiator, of the responder.
CHAIN: Final = 0
BUCKET: Final = 1
OLDER: Final = 2
NEWER: Final = 3
LIST: Final = 4
TOUCHED: Final = 5
SOURCE_OLDER: Final = 6
SOURCE_NEWER: Final = 7
SOURCE: Final = 8
FLAGS: Final = 9
INITIATOR: Final = 10
"""Canonical side (0 or 1) that began the flow."""
START: Final = 11
LAST: Final = 12
NUMBER: Final = 13
"""Counts flows from 1 as they begin."""
PACKETS: Final = 14
BYTES: Final = 16
PAYLOADS: Final = 18
WANT: Final = 20
ATTEMPTS: Final = 22
ATTEMPTED: Final = 23
ISN: Final = 24
"""Sequence number of the request, or the one before the first payload seen of the initiator.

Of ICMP queries: one more than the identifier of the last one.
"""
ACK_FIRST: Final = 25
ACK_LAST: Final = 26
EXPECTED: Final = 27
"""Of each side, one more than the sequence number that goes on; 0: none was seen."""
HOLE: Final = 29
"""Of each side, octets that were passed over and that have neither come late nor been acknowledged."""
BEHIND: Final = 31
"""Of each side, the sequence number behind the hole."""
WIDTH: Final = 33

WANT_END: Final = 2
"""Value of WANT: payload, and the FIN behind it."""

# Bits of FLAGS.
F_SYN: Final = 1
F_ANSWERED: Final = 2
F_REFUSED: Final = 4
F_TRANSFERRED: Final = 8
F_FIN_OUT: Final = 16
F_FIN_IN: Final = 32
F_RST: Final = 64
F_CARE: Final = 128
"""Somebody keeps a contact for this flow: tell attempts, answers and changed counts."""
F_DIRTY: Final = 256
"""Its counts changed since they were last collected."""
F_ACKED: Final = 512
"""ACK_FIRST and ACK_LAST hold acknowledgements of the initiator."""
F_HEED: Final = 1024
"""Somebody wants to know when the ends of this flow are there."""
F_SENT: Final = 2048
"""A packet went out since that was last asked for; F_CAME: one came in."""
F_CAME: Final = 4096

# Age lists of flows; the same four again for flows of watched devices.
UNANSWERED: Final = 0
ANSWERED: Final = 1
CONNECTED: Final = 2
CLOSED: Final = 3
CLASSES: Final = 4
LISTS: Final = 8

KEY_WORDS: Final = 5
SOURCE_WIDTH: Final = 5
"""Columns of a source's row: chain, bucket, number of flows, oldest flow, newest flow."""
MAX_HOLE: Final = 6_291_456
"""Octets: the largest window that Linux opens unless told otherwise (tcp(7), tcp_rmem); further ahead is no loss."""
COPIES_PROVE: Final = 4
"""A mirror that copies at least one in so many packets is taken to copy."""
CACHE_LINE: Final = 64
"""Bytes (x86-64 and most ARMv8): link, network and transport header and eight bytes more lie in two."""
AHEAD: Final = 6
"""Packets between asking for a packet's bytes and reading them: some 0.5 us, a few times the latency of memory."""
RECENT_WAYS: Final = 4
RECENT_SETS: Final = 1024
"""Packets remembered for finding duplicates: 4,096 in 64 KiB, five milliseconds at 800,000 packets a second."""

# Words of 64 bits. Uncompiled, Python's integers do not wrap, so results are masked.
MASK: Final = 0xFFFFFFFFFFFFFFFF
LOW: Final = 0xFFFFFFFF
SIGNED: Final = 0x7FFFFFFFFFFFFFFF
"""All bits that a signed word has for a magnitude."""
V4_MAPPED: Final = 0xFFFF00000000
"""Low word of ::ffff:0.0.0.0 (RFC 4291, 2.5.5.2)."""
V4_PREFIX: Final = 0xFFFF
SIP0: Final = 0x736F6D6570736575
"""SipHash begins with "somepseudorandomlygeneratedbytes" (Aumasson and Bernstein, 2012)."""
SIP1: Final = 0x646F72616E646F6D
SIP2: Final = 0x6C7967656E657261
SIP3: Final = 0x7465646279746573
SPLITMIX1: Final = 0xBF58476D1CE4E5B9
"""Multipliers of SplitMix64's finalizer (Steele, Lea, Flood, 2014)."""
SPLITMIX2: Final = 0x94D049BB133111EB
