"""What is said where TLS fails."""

from __future__ import annotations

import pytest

from monitor.sinks.trust import words


@pytest.mark.parametrize(
    ("complaint", "line"),
    [
        (
            "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1007)",
            "TLS: wrong version number: does this port speak TLS?",
        ),
        (
            "TLS/SSL connection has been closed (EOF) (_ssl.c:992)",
            "TLS: TLS/SSL connection has been closed (EOF): does this port speak TLS?",
        ),
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1007)",
            "TLS: certificate verify failed: certificate has expired",
        ),
        ("Connection refused", "Connection refused"),
    ],
)
def test_openssl_in_plain_words(complaint: str, line: str) -> None:
    """Without where in its source; with what it may mean."""
    assert words(complaint) == line
