"""Secrets in files: where they are, who may read them, and a type that never shows one."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

CREDENTIALS: Final = "$CREDENTIALS_DIRECTORY/"
"""What a path begins with that systemd's LoadCredential puts in place (systemd.exec(5), Credentials)."""
MOST: Final = 4096
"""Octets of a password's file: more is another file named by mistake."""


class Secret:
    """Text that only ``reveal`` gives away: not a log, not a traceback, not a pickle."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")


def located(path: str) -> Path:
    """The file that is meant. OSError for a credential where the service manager hands out none."""
    if not path.startswith(CREDENTIALS):
        return Path(path)
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if directory is None:
        raise FileNotFoundError(errno.ENOENT, "no credentials here: the unit needs LoadCredential", path)
    return Path(directory, path.removeprefix(CREDENTIALS))


def read_secret(path: str) -> Secret:
    """The password in a file, without its line end.

    Raises:
        OSError: it cannot be read, is empty, is no text, or is there for everybody to read.

    """
    with located(path).open("rb") as file:
        if os.fstat(file.fileno()).st_mode & stat.S_IROTH:
            raise PermissionError(errno.EPERM, "everybody may read it: chmod o-r", path)
        octets = file.read(MOST + 1)
    if len(octets) > MOST:
        raise OSError(errno.EFBIG, "too long for a password", path)
    try:
        text = octets.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "not UTF-8", path) from None
    if not text:
        raise OSError(errno.ENODATA, "empty", path)
    return Secret(text)
