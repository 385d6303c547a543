"""What stands below the options in each command's help: how it is used, and what its exit code means."""

from __future__ import annotations

from typing import Final

EXIT_USAGE: Final = "2  wrong usage, or something that cannot be read; one line says what and where"
EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "demo": ("camwarden demo", "camwarden demo --once --fast"),
    "run": (
        "camwarden run --config /etc/camwarden/camwarden.toml",
        "sudo camwarden run --config camwarden.toml --user camwarden",
    ),
    "replay": (
        "camwarden replay --home GB capture.pcap",
        "camwarden replay --cameras 10.20.0.0/16 --format jsonl monday.pcap.zst tuesday.pcap.zst",
        "tcpdump -w - -U | camwarden replay -",
    ),
    "observe": (
        "camwarden observe --kind tls.client_hello capture.pcap",
        "camwarden observe capture.pcap | jq -r .kind | sort | uniq -c",
    ),
    "check": (
        "camwarden check camwarden.toml",
        "camwarden check camwarden.toml --explain gate-07 dev.ezviz7.com",
        "camwarden check camwarden.toml --explain gate-07 'updates.example.org tcp/443'",
    ),
    "test-alert": ("camwarden test-alert --config camwarden.toml --severity high",),
    "doctor": (
        "sudo camwarden doctor --interface eth1 --for 5m --config camwarden.toml",
        "camwarden doctor --cameras 10.20.0.0/16 capture.pcap",
    ),
    "poll": ("camwarden poll --config camwarden.toml gate-07",),
    "firewall": (
        "camwarden firewall --config camwarden.toml > cameras.nft",
        "camwarden firewall --incident 3456e912 --state /var/lib/camwarden",
    ),
    "devices": ("camwarden devices --state /var/lib/camwarden",),
    "ledger": ("camwarden ledger --state /var/lib/camwarden --format jsonl",),
    "incidents": ("camwarden incidents --config camwarden.toml",),
    "explain": ("camwarden explain --state /var/lib/camwarden 3456e9",),
    "report": (
        "camwarden report --state /var/lib/camwarden -o report.html",
        "camwarden report --config camwarden.toml --since 2026-11-01 --until 2026-12-01 -o november.html",
    ),
    "geo show": ("camwarden geo show 47.88.59.209",),
    "data pack": (
        "openssl genpkey -algorithm ed25519 -out data.key",
        "camwarden data pack --key data.key --database country.mmdb --database asn.mmdb -o data-2026-11",
    ),
    "data install": ("camwarden data install --key data.pub --into /var/lib/camwarden-data data-2026-11",),
    "data show": ("camwarden data show /var/lib/camwarden-data",),
}
"""By the words of the command."""
CODES: Final[dict[str, tuple[str, ...]]] = {
    "demo": ("0  every scene was found as described", "1  one was not", "2  the demo's broker cannot be started"),
    "run": ("0  stopped by SIGTERM or SIGINT, and all is journalled", "1  it could not go on, and is to be restarted"),
    "replay": ("0  read to the end, whatever was found in it",),
    "observe": ("0  read to the end",),
    "check": ("0  good; with --explain: allowed", "1  wrong, and a line each says where; with --explain: not allowed"),
    "test-alert": ("0  every sink took it", "1  one did not"),
    "doctor": ("0  green or amber", "1  something is red"),
    "poll": ("0  every device answered", "1  one was silent"),
    "explain": ("0  done", "1  none of its packets were kept, or they are there no more"),
    "data install": ("0  it is current", "1  not trusted, or older than what is there; nothing was changed"),
    "data show": ("0  something is installed", "1  nothing is"),
}
"""Beside 2; a command that is not here has 0 for done."""


def epilog(command: str) -> str:
    r"""Examples and exit codes. ``\b`` keeps click from making one paragraph of the lines."""
    codes = CODES.get(command, ("0  done",))
    if not any(code.startswith("2") for code in codes):
        codes = (*codes, EXIT_USAGE)
    examples = "\n".join(f"  {line}" for line in EXAMPLES[command])
    return f"\b\nExamples:\n{examples}\n\n\b\nExit codes:\n" + "\n".join(f"  {code}" for code in codes)
