"""Compile the hot path and the rooms that packets pass through; everything else is in pyproject.toml.

Each module is ordinary Python with a .pxd of C types beside it (Cython's pure Python mode).
"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

PROCESSORS = os.cpu_count() or 1
CHECKED = {
    "language_level": 3,
    "boundscheck": True,
    "cdivision": False,
    "initializedcheck": False,
    "show_performance_hints": False,
}
PER_PACKET = (
    "collectors.ahead",
    "collectors.clock",
    "collectors.framing",
    "collectors.merge",
    "collectors.ring",
    "monitor.wire.decode",
    "monitor.wire.flows",
    "monitor.wire.link",
    "monitor.wire.precedence",
    "monitor.wire.scan",
    "monitor.wire.tunnels",
)
"""No Python object, no GIL."""
PER_MESSAGE = (
    "monitor.attribution",
    "monitor.contacts.contacts",
    "monitor.contacts.lookups",
    "monitor.detectors.call_home",
    "monitor.detectors.core_contact",
    "monitor.detectors.encrypted_dns",
    "monitor.detectors.isolation_broken",
    "monitor.detectors.name_lookup",
    "monitor.detectors.p2p_cloud",
    "monitor.detectors.severity",
    "monitor.detectors.unexpected_contact",
    "monitor.detectors.vendor_cloud",
    "monitor.engine",
    "monitor.enrich.catalogue.remotes",
    "monitor.enrich.devices",
    "monitor.enrich.holders",
    "monitor.enrich.hosts",
    "monitor.enrich.names",
    "monitor.enrich.operators",
    "monitor.enrich.site",
    "monitor.hearing",
    "monitor.incidents.book",
    "monitor.incidents.digest",
    "monitor.incidents.incident",
    "monitor.incidents.ocsf",
    "monitor.incidents.words",
    "monitor.inspection.clocks",
    "monitor.inspection.inspection",
    "monitor.inspection.volumes",
    "monitor.model.address",
    "monitor.model.community_id",
    "monitor.model.contacts",
    "monitor.model.evidence",
    "monitor.model.flows",
    "monitor.model.memo",
    "monitor.policy.policy",
    "monitor.protocols.clienthello",
    "monitor.protocols.conversation",
    "monitor.protocols.dns",
    "monitor.protocols.gquic",
    "monitor.protocols.http",
    "monitor.protocols.http_bodies",
    "monitor.protocols.http_exchange",
    "monitor.protocols.http_fields",
    "monitor.protocols.image",
    "monitor.protocols.mdns",
    "monitor.protocols.media",
    "monitor.protocols.multipart",
    "monitor.protocols.names",
    "monitor.protocols.ntp",
    "monitor.protocols.pppp",
    "monitor.protocols.quic",
    "monitor.protocols.quic_crypto",
    "monitor.protocols.redaction",
    "monitor.protocols.registry",
    "monitor.protocols.rtp",
    "monitor.protocols.rtsp",
    "monitor.protocols.rtsp_session",
    "monitor.protocols.sdp",
    "monitor.protocols.secrets",
    "monitor.protocols.tls",
    "monitor.traces",
    "monitor.wire.streams",
)
"""Python objects with typed fields; an attribute of None is an error, not a crash."""


def extensions(names, *arguments):
    return [Extension(name, [name.replace(".", "/") + ".py"], extra_compile_args=list(arguments)) for name in names]


setup(
    ext_modules=[
        *cythonize(
            extensions(PER_PACKET, "-O3", "-g0"),
            compiler_directives={**CHECKED, "wraparound": False},
            nthreads=PROCESSORS,
        ),
        *cythonize(
            extensions(PER_MESSAGE, "-O2", "-g0"),
            compiler_directives={**CHECKED, "nonecheck": True, "annotation_typing": False},
            nthreads=PROCESSORS,
        ),
    ],
    options={"build_ext": {"parallel": PROCESSORS}},
)
