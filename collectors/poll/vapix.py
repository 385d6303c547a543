"""Axis VAPIX: what is asked.

Sources: Kane610/axis. JSON methods that only read are POSTed, as VAPIX defines them;
param.cgi and applications/list.cgi are read with GET.
"""

from __future__ import annotations

from typing import Final

from collectors.poll.question import Interface, Question

JSON: Final = "application/json"
METHODS: Final = (("basicdeviceinfo.cgi", "getAllProperties"), ("apidiscovery.cgi", "getApiList"))
GROUPS: Final = ("root.Properties", "root.Network", "root.RemoteService", "root.Audio")

INTERFACE: Final = Interface(
    (
        *(
            Question(
                f"{script} {method}",
                f"/axis-cgi/{script}",
                "POST",
                f'{{"apiVersion":"1.0","context":"camwarden","method":"{method}"}}'.encode(),
                JSON,
            )
            for script, method in METHODS
        ),
        Question("applications/list.cgi", "/axis-cgi/applications/list.cgi"),
        *(Question(f"param.cgi {group}", f"/axis-cgi/param.cgi?action=list&group={group}") for group in GROUPS),
    )
)
