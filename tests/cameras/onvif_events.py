"""ONVIF's event service: the topics that a camera knows, and pull points that tell what is going on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tests.cameras.phrasing import Element, Qualified, element

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tests.cameras.life import Life
    from tests.cameras.serving import Heard

TOPICS: Final = {
    "person.detect": "RuleEngine/MyRuleDetector/PeopleDetect",
    "zone.watch": "RuleEngine/LineDetector/Crossed",
    "behaviour.judge": "RuleEngine/LoiteringDetector/ObjectIsLoitering",
    "person.count": "RuleEngine/CountAggregation/Counter",
    "face.recognise": "RuleEngine/Recognition/Face",
    "vehicle.plate": "RuleEngine/Recognition/LicensePlate",
    "audio.classify": "AudioAnalytics/Audio/DetectedSound",
}
"""tns1: topics; the first name carries the prefix, the others none."""
ALWAYS: Final = (
    "VideoSource/MotionAlarm",
    "Monitoring/OperatingTime/LastReboot",
    "Device/HardwareFailure/StorageFailure",
)
CONCRETE: Final = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
CONCRETE_SET: Final = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
LIFETIME: Final = timedelta(minutes=1)


class Events:
    def __init__(self, life: Life) -> None:
        self._life = life
        self._subscriptions = 0

    def answers(self) -> dict[tuple[str, str], Callable[[Heard], Element | None]]:
        """By service and action."""
        return {
            ("tev", "GetServiceCapabilities"): lambda _: _service_capabilities(),
            ("tev", "GetEventProperties"): lambda _: self._properties(),
            ("tev", "CreatePullPointSubscription"): self._subscribed,
            ("tev", "PullMessages"): lambda _: self._pulled(),
            ("tev", "SetSynchronizationPoint"): lambda _: element("tev:SetSynchronizationPointResponse"),
            ("wsnt", "Renew"): lambda _: element(
                "wsnt:RenewResponse",
                element("wsnt:TerminationTime", self._until()),
                element("wsnt:CurrentTime", self._now()),
            ),
            ("wsnt", "Unsubscribe"): lambda _: element("wsnt:UnsubscribeResponse"),
        }

    def forget(self) -> None:
        self._subscriptions = 0

    def _now(self) -> str:
        return _written(self._life.now())

    def _until(self) -> str:
        return _written(self._life.now() + LIFETIME)

    def _properties(self) -> Element:
        paths = [*ALWAYS, *(topic for function, topic in TOPICS.items() if self._life.says_supported(function))]
        return element(
            "tev:GetEventPropertiesResponse", element("tev:TopicNamespaceLocation", "http://www.onvif.org/onvif/ver10/topics/topicns.xml"),
            element("wsnt:FixedTopicSet", True), element("wstop:TopicSet", *_tree(paths)),
            element("wsnt:TopicExpressionDialect", CONCRETE_SET), element("wsnt:TopicExpressionDialect", CONCRETE),
            element("tev:MessageContentFilterDialect", "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"),
            element("tev:MessageContentSchemaLocation", "http://www.onvif.org/onvif/ver10/schema/onvif.xsd"),
        )  # fmt: skip

    def _subscribed(self, heard: Heard) -> Element:
        self._subscriptions += 1
        address = f"http://{heard.host}/onvif/event_service?sub={self._life.boots}-{self._subscriptions}"
        return element(
            "tev:CreatePullPointSubscriptionResponse", element("tev:SubscriptionReference", element("wsa:Address", address)),
            element("wsnt:CurrentTime", self._now()), element("wsnt:TerminationTime", self._until()),
        )  # fmt: skip

    def _pulled(self) -> Element:
        """One message for each function at work, said or not."""
        told = [_message(topic, self._now()) for function, topic in TOPICS.items() if self._life.does(function)]
        return element(
            "tev:PullMessagesResponse",
            element("tev:CurrentTime", self._now()),
            element("tev:TerminationTime", self._until()),
            *told,
        )


def _service_capabilities() -> Element:
    said = {
        "WSSubscriptionPolicySupport": True,
        "WSPullPointSupport": True,
        "MaxPullPoints": 4,
        "MaxNotificationProducers": 4,
    }
    return element("tev:GetServiceCapabilitiesResponse", element("tev:Capabilities", said))


def _message(topic: str, at: str) -> Element:
    data = element("tt:Data", element("tt:SimpleItem", {"Name": "State", "Value": True}))
    source = element(
        "tt:Source", element("tt:SimpleItem", {"Name": "VideoSourceConfigurationToken", "Value": "VideoSourceToken"})
    )
    return element(
        "wsnt:NotificationMessage", element("wsnt:Topic", {"Dialect": CONCRETE_SET}, Qualified("tns1", topic)),
        element("wsnt:Message", element("tt:Message", {"UtcTime": at, "PropertyOperation": "Changed"}, source, data)),
    )  # fmt: skip


def _tree(paths: list[str]) -> list[Element]:
    """Topics that begin alike share elements."""
    nested: dict[str, Any] = {}
    for path in paths:
        below = nested
        for name in path.split("/"):
            below = below.setdefault(name, {})

    def written(name: str, below: dict[str, Any]) -> Element:
        children = [written(*item) for item in below.items()]
        return element(name, *children) if children else element(name, {"wstop:topic": True})

    return [written(f"tns1:{name}", below) for name, below in nested.items()]


def _written(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
