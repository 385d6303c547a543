"""Dahua's CGI (also Amcrest, Lorex, Intelbras, Imou): what is asked.

Sources: python-amcrest, rroller/dahua, DahuaConsole: script, action, name or channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collectors.poll.question import Interface, Question, Verdict, by_status
from collectors.poll.reply import Outcome

if TYPE_CHECKING:
    from collectors.poll.client import Response

ACTIONS: Final = (
    ("magicBox.cgi", "getSoftwareVersion"),
    ("magicBox.cgi", "getSystemInfo"),
    ("magicBox.cgi", "getDeviceType"),
    ("magicBox.cgi", "getVendor"),
    ("magicBox.cgi", "getHardwareVersion"),
    ("netApp.cgi", "getInterfaces"),
    ("netApp.cgi", "getUPnPStatus"),
    ("devAudioInput.cgi", "getCollect"),
    ("devAudioOutput.cgi", "getCollect"),
)
OF_CHANNEL: Final = (
    ("devVideoAnalyse.cgi", "getCaps"),
    ("devVideoInput.cgi", "getCaps"),
    ("eventManager.cgi", "getCaps"),
    ("encode.cgi", "getCaps"),
)
CONFIGURATIONS: Final = (
    "T2UServer",
    "Telnet",
    "SSHD",
    "UPnP",
    "AutoUpgrade",
    "CloudUpgrade",
    "VideoAnalyseGlobal",
    "VideoAnalyseRule",
    "SmartMotionDetect",
    "Encode",
)


def judge(response: Response) -> Verdict:
    """An error may come with status 200: its text begins with the word."""
    if response.status == 200 and response.body[:5].lower() == b"error":
        return Verdict(Outcome.UNSUPPORTED, "an error in place of the answer")
    return by_status(response)


INTERFACE: Final = Interface(
    (
        *(Question(f"{script} {action}", f"/cgi-bin/{script}?action={action}") for script, action in ACTIONS),
        *(
            Question(f"{script} {action}", f"/cgi-bin/{script}?action={action}&channel=1")
            for script, action in OF_CHANNEL
        ),
        *(
            Question(f"configManager.cgi getConfig {name}", f"/cgi-bin/configManager.cgi?action=getConfig&name={name}")
            for name in CONFIGURATIONS
        ),
    ),
    judge,
)
