"""Firmware images as they come in: hashed while they pass, never kept."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from aiohttp import BodyPartReader

from tests.cameras.life import Image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import web


class Intake:
    """One image, fed piece by piece."""

    def __init__(self) -> None:
        self._hash = sha256()
        self._size = 0
        self._head = b""

    def feed(self, piece: bytes) -> None:
        self._hash.update(piece)
        self._size += len(piece)
        self._head = (self._head + piece[:16])[:16]

    def image(self) -> Image:
        return Image(self._hash.hexdigest(), self._size, self._head)


async def of_body(request: web.Request) -> Image:
    """The entity body is the image."""
    intake = Intake()
    async for piece in request.content.iter_any():
        intake.feed(piece)
    return intake.image()


async def of_part(part: BodyPartReader) -> Image:
    """This part of a form is the image."""
    intake = Intake()
    while piece := await part.read_chunk(1 << 16):
        intake.feed(piece)
    return intake.image()


async def parts(request: web.Request) -> AsyncIterator[BodyPartReader]:
    """The parts of a multipart body; nested ones are passed over."""
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if isinstance(part, BodyPartReader):
            yield part


async def of_form(request: web.Request) -> tuple[dict[str, bytes], Image | None]:
    """The form's small fields by name, and the one part that has a file name."""
    fields: dict[str, bytes] = {}
    image: Image | None = None
    async for part in parts(request):
        if part.filename is not None:
            image = await of_part(part)
        else:
            fields[part.name or ""] = bytes(await part.read())
    return fields, image
