"""Brain and voice: observations, contacts, policy, detectors, incidents."""

from typing import Final

__version__: Final = "0.1.0"
