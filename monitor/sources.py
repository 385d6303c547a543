"""Sources: where the daemon's packets come from, as configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.config import ConfigError

if TYPE_CHECKING:
    from collectors.live import Source
    from monitor.config import CaptureConfig

MIB = 1024 * 1024


def open_source(config: CaptureConfig) -> Source:
    """Open what ``[capture]`` names. TapError or CaptureError, one line, if it cannot be read.

    Call it before privileges are given up and before there are threads.
    """
    if config.interfaces:
        from collectors.tap import Tap

        return Tap(
            config.interfaces,
            ring_bytes=config.ring_mib * MIB,
            promiscuous=config.promiscuous,
            hardware_timestamps=config.hardware_timestamps,
        )
    if config.folder is not None:
        from collectors.folder import Folder

        return Folder(config.folder)
    if config.pipe is not None:
        from collectors.pipe import Pipe

        return Pipe(config.pipe)
    raise ConfigError("capture: run needs interfaces, folder or pipe")
