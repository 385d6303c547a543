"""ONVIF's analytics, uplink and application services: what a camera recognises, whom it calls, what was installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.cameras.phrasing import Element, Qualified, element

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cameras.life import Life
    from tests.cameras.serving import Heard

RULES: Final = {
    "face.recognise": "FaceRecognition",
    "vehicle.plate": "LicensePlateRecognition",
    "person.detect": "ObjectDetection",
    "person.count": "LineCounting",
    "zone.watch": "LineDetector",
    "behaviour.judge": "LoiteringDetector",
}
"""tt: names of rules (Analytics Service Specification, annexes)."""
MODULES: Final = {"audio.classify": "AudioClassDetector", "person.detect": "CellMotionEngine"}


def answers(life: Life) -> dict[tuple[str, str], Callable[[Heard], Element | None]]:
    """By service and action."""
    return {
        ("tan", "GetServiceCapabilities"): lambda _: _service_capabilities(),
        ("tan", "GetSupportedRules"): lambda _: _supported_rules(life),
        ("tan", "GetRules"): lambda _: _rules(life),
        ("tan", "GetRuleOptions"): lambda _: _rule_options(life),
        ("tan", "GetSupportedAnalyticsModules"): lambda _: _supported_modules(life),
        ("tan", "GetAnalyticsModules"): lambda _: _modules(life),
        ("tan", "GetSupportedMetadata"): lambda _: _supported_metadata(life),
        ("tup", "GetServiceCapabilities"): lambda _: _uplink_capabilities(),
        ("tup", "GetUplinks"): lambda _: _uplinks(life),
        ("tam", "GetServiceCapabilities"): lambda _: _application_capabilities(),
        ("tam", "GetInstalledApps"): lambda _: _installed(life),
        ("tam", "GetAppsInfo"): lambda _: _applications(life),
    }


def _said(life: Life, names: dict[str, str]) -> list[tuple[str, str]]:
    return [(function, name) for function, name in names.items() if life.says_supported(function)]


def _service_capabilities() -> Element:
    said = {"RuleSupport": True, "AnalyticsModuleSupport": True, "CellBasedSceneDescriptionSupported": True}
    return element("tan:GetServiceCapabilitiesResponse", element("tan:Capabilities", said))


def _supported_rules(life: Life) -> Element:
    described = [
        element("tt:RuleDescription", {"Name": Qualified("tt", name)}, element(
            "tt:Parameters", element("tt:SimpleItemDescription", {"Name": "Enabled", "Type": Qualified("xs", "boolean")}),
        ), element(
            "tt:Messages", {"IsProperty": True},
            element("tt:Source", element("tt:SimpleItemDescription", {"Name": "Rule", "Type": Qualified("xs", "string")})),
            element("tt:Data", element("tt:SimpleItemDescription", {"Name": "State", "Type": Qualified("xs", "boolean")})),
            element("tt:ParentTopic", Qualified("tns1", f"RuleEngine/{name}")),
        ))
        for _, name in _said(life, RULES)
    ]  # fmt: skip
    where = element("tt:RuleContentSchemaLocation", "http://www.onvif.org/ver10/schema/onvif.xsd")
    return element("tan:GetSupportedRulesResponse", element("tan:SupportedRules", where, *described))


def _configured(tag: str, life: Life, names: dict[str, str]) -> list[Element]:
    """What is set up is what is switched on."""
    return [
        element(tag, {"Name": f"My{name}", "Type": Qualified("tt", name)}, element(
            "tt:Parameters", element("tt:SimpleItem", {"Name": "Enabled", "Value": True}),
        ))
        for function, name in _said(life, names)
        if life.says_enabled(function)
    ]  # fmt: skip


def _rules(life: Life) -> Element:
    return element("tan:GetRulesResponse", *_configured("tan:Rule", life, RULES))


def _rule_options(life: Life) -> Element:
    entries = [
        element(
            "tan:RuleOptions",
            {"RuleType": Qualified("tt", name), "Name": "Enabled", "Type": Qualified("xs", "boolean"), "minOccurs": 0},
        )
        for _, name in _said(life, RULES)
    ]
    return element("tan:GetRuleOptionsResponse", *entries)


def _supported_modules(life: Life) -> Element:
    described = [
        element("tt:AnalyticsModuleDescription", {"Name": Qualified("tt", name)}, element(
            "tt:Parameters", element("tt:SimpleItemDescription", {"Name": "Sensitivity", "Type": Qualified("xs", "integer")}),
        ))
        for _, name in _said(life, MODULES)
    ]  # fmt: skip
    return element("tan:GetSupportedAnalyticsModulesResponse", element("tan:SupportedAnalyticsModules", *described))


def _modules(life: Life) -> Element:
    return element("tan:GetAnalyticsModulesResponse", *_configured("tan:AnalyticsModule", life, MODULES))


def _supported_metadata(life: Life) -> Element:
    """A sample frame shows what may be said of an object."""
    entries = [
        element("tan:AnalyticsModule", {"Type": Qualified("tt", name)}, element(
            "tan:SampleFrame", {"UtcTime": "2020-01-01T00:00:00Z"}, element("tt:Object", {"ObjectId": 1}, element(
                "tt:Appearance", element("tt:Class", element("tt:Type", {"Likelihood": "0.9"}, "Human")),
            )),
        ))
        for function, name in _said(life, MODULES)
        if function.startswith("person.")
    ]  # fmt: skip
    return element("tan:GetSupportedMetadataResponse", *entries)


def _uplink_capabilities() -> Element:
    return element(
        "tup:GetServiceCapabilitiesResponse",
        element("tup:Capabilities", {"MaxUplinks": 1, "Protocols": "wss", "StreamingOverUplink": True}),
    )


def _uplinks(life: Life) -> Element:
    configured = element(
        "tup:Configuration", element("tup:RemoteAddress", "wss://uplink.sim-p2p.invalid/device"), element("tup:UserLevel", "Administrator"),
        element("tup:Status", "Connected"),
    )  # fmt: skip
    return element("tup:GetUplinksResponse", configured if life.says_enabled("cloud.platform") else None)


def _application_capabilities() -> Element:
    return element(
        "tam:GetServiceCapabilitiesResponse",
        element("tam:Capabilities", {"UploadPath": "/onvif/app", "FormatsSupported": "sim"}),
    )


def _installed(life: Life) -> Element:
    """The schema of this service leaves its children without a namespace."""
    app = element("App", element("Name", "Sim Counter"), element("AppID", "sim-counter"))
    return element("tam:GetInstalledAppsResponse", app if life.says_enabled("app.install") else None)


def _applications(life: Life) -> Element:
    facts = {
        "AppID": "sim-counter", "Name": "Sim Counter", "Version": "1.0", "InstallationDate": "2023-01-05T00:00:00Z",
        "LastUpdate": "2023-01-05T00:00:00Z", "State": "Active", "Status": "", "Autostart": True, "Website": "http://sim.invalid/",
    }  # fmt: skip
    info = element("Info", *(element(name, value) for name, value in facts.items()))  # type: ignore[arg-type]
    return element("tam:GetAppsInfoResponse", info if life.says_enabled("app.install") else None)
