"""ONVIF's media and media2 services: profiles, and what they may carry beside video."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.cameras.phrasing import Element, element

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cameras.life import Life
    from tests.cameras.serving import Heard

PROFILES: Final = (("Profile_1", "mainStream", 2560, 1440), ("Profile_2", "subStream", 640, 360))


def answers(life: Life) -> dict[tuple[str, str], Callable[[Heard], Element | None]]:
    """By service and action."""
    return {
        ("trt", "GetServiceCapabilities"): lambda _: _service_capabilities(),
        ("trt", "GetProfiles"): lambda _: _profiles(life),
        ("trt", "GetVideoSources"): lambda _: _video_sources(),
        ("trt", "GetAudioSources"): lambda _: _audio_sources(life),
        ("trt", "GetAudioOutputs"): lambda _: _audio_outputs(life),
        ("trt", "GetAudioDecoderConfigurations"): lambda _: _audio_decoders(life),
        ("trt", "GetMetadataConfigurations"): lambda _: _metadata(life),
        ("trt", "GetStreamUri"): _stream_uri,
        ("tr2", "GetServiceCapabilities"): lambda _: _service_capabilities_2(life),
        ("tr2", "GetProfiles"): lambda _: _profiles_2(life),
    }


def _service_capabilities() -> Element:
    return element("trt:GetServiceCapabilitiesResponse", element(
        "trt:Capabilities", {"SnapshotUri": True, "Rotation": False, "OSD": True},
        element("trt:ProfileCapabilities", {"MaximumNumberOfProfiles": 8}),
        element("trt:StreamingCapabilities", {"RTPMulticast": False, "RTP_TCP": True, "RTP_RTSP_TCP": True}),
    ))  # fmt: skip


def _service_capabilities_2(life: Life) -> Element:
    said = {"Mask": True, "OSD": True}
    if (text := life.says_supported("person.detect")) is not None:
        said["VideoSourceMode"] = text
    return element("tr2:GetServiceCapabilitiesResponse", element(
        "tr2:Capabilities", said, element("tr2:ProfileCapabilities", {"MaximumNumberOfProfiles": 8}),
        element("tr2:StreamingCapabilities", {"RTSPStreaming": True, "RTP_RTSP_TCP": True}),
    ))  # fmt: skip


def _multicast() -> Element:
    return element(
        "tt:Multicast", element("tt:Address", element("tt:Type", "IPv4"), element("tt:IPv4Address", "0.0.0.0")),
        element("tt:Port", 0), element("tt:TTL", 1), element("tt:AutoStart", False),
    )  # fmt: skip


def _profiles(life: Life) -> Element:
    return element("trt:GetProfilesResponse", *(_profile(life, *each) for each in PROFILES))


def _profile(life: Life, token: str, name: str, width: int, height: int) -> Element:
    bounds = {"x": 0, "y": 0, "width": width, "height": height}
    source = element(
        "tt:VideoSourceConfiguration", {"token": "VideoSourceToken"}, element("tt:Name", "VideoSource"), element("tt:UseCount", 2),
        element("tt:SourceToken", "VideoSource_1"), element("tt:Bounds", bounds),
    )  # fmt: skip
    encoder = element(
        "tt:VideoEncoderConfiguration", {"token": f"Encoder_{token}"}, element("tt:Name", name), element("tt:UseCount", 1),
        element("tt:Encoding", "H264"), element("tt:Resolution", element("tt:Width", width), element("tt:Height", height)),
        element("tt:Quality", 3), element(
            "tt:RateControl", element("tt:FrameRateLimit", 25), element("tt:EncodingInterval", 1), element("tt:BitrateLimit", 4096),
        ),
        element("tt:H264", element("tt:GovLength", 50), element("tt:H264Profile", "Main")), _multicast(),
        element("tt:SessionTimeout", "PT5S"),
    )  # fmt: skip
    audio_source = audio_encoder = metadata = None
    if life.says_supported("audio.input") and life.says_enabled("audio.input"):
        audio_source = element(
            "tt:AudioSourceConfiguration", {"token": "AudioSourceToken"}, element("tt:Name", "AudioSource"), element("tt:UseCount", 2),
            element("tt:SourceToken", "AudioSource_1"),
        )  # fmt: skip
        audio_encoder = element(
            "tt:AudioEncoderConfiguration", {"token": "AudioEncoder"}, element("tt:Name", "Audio"), element("tt:UseCount", 2),
            element("tt:Encoding", "G711"), element("tt:Bitrate", 64), element("tt:SampleRate", 8), _multicast(),
            element("tt:SessionTimeout", "PT5S"),
        )  # fmt: skip
    if _analyses(life):
        metadata = _metadata_configuration("tt:MetadataConfiguration")
    analytics = element(
        "tt:VideoAnalyticsConfiguration", {"token": "Analytics"}, element("tt:Name", "Analytics"), element("tt:UseCount", 2),
        element("tt:AnalyticsEngineConfiguration"), element("tt:RuleEngineConfiguration"),
    )  # fmt: skip
    return element(
        "trt:Profiles", {"token": token, "fixed": True}, element("tt:Name", name), source, audio_source, encoder, audio_encoder,
        analytics, metadata,
    )  # fmt: skip


def _analyses(life: Life) -> bool:
    return any(
        life.says_enabled(function)
        for function in life.supported
        if function.startswith(("face.", "person.", "vehicle."))
    )


def _metadata_configuration(tag: str) -> Element:
    return element(
        tag, {"token": "Metadata"}, element("tt:Name", "metadata"), element("tt:UseCount", 1), element("tt:Analytics", True), _multicast(),
        element("tt:SessionTimeout", "PT5S"),
    )  # fmt: skip


def _metadata(life: Life) -> Element:
    entries = [_metadata_configuration("trt:Configurations")] if _analyses(life) else []
    return element("trt:GetMetadataConfigurationsResponse", *entries)


def _profiles_2(life: Life) -> Element:
    entries = []
    for token, name, *_ in PROFILES:
        audio = element("tr2:AudioEncoder", {"token": "AudioEncoder"}) if life.says_enabled("audio.input") else None
        inside = element("tr2:Configurations", element("tr2:VideoEncoder", {"token": f"Encoder_{token}"}), audio)
        entries.append(element("tr2:Profiles", {"token": token, "fixed": True}, element("tr2:Name", name), inside))
    return element("tr2:GetProfilesResponse", *entries)


def _video_sources() -> Element:
    size = element("tt:Resolution", element("tt:Width", 2560), element("tt:Height", 1440))
    return element(
        "trt:GetVideoSourcesResponse",
        element("trt:VideoSources", {"token": "VideoSource_1"}, element("tt:Framerate", 25), size),
    )


def _audio_sources(life: Life) -> Element | None:
    if not life.says_supported("audio.input"):
        return None
    return element(
        "trt:GetAudioSourcesResponse",
        element("trt:AudioSources", {"token": "AudioSource_1"}, element("tt:Channels", 1)),
    )


def _audio_outputs(life: Life) -> Element | None:
    if not life.says_supported("audio.output"):
        return None
    return element("trt:GetAudioOutputsResponse", element("trt:AudioOutputs", {"token": "AudioOutput_1"}))


def _audio_decoders(life: Life) -> Element | None:
    if not life.says_supported("audio.output"):
        return None
    entry = element(
        "trt:Configurations", {"token": "AudioDecoder"}, element("tt:Name", "talk"), element("tt:UseCount", 1)
    )
    return element("trt:GetAudioDecoderConfigurationsResponse", entry)


def _stream_uri(heard: Heard) -> Element:
    uri = f"rtsp://{heard.host.partition(':')[0]}:554/Streaming/Channels/101"
    return element("trt:GetStreamUriResponse", element(
        "trt:MediaUri", element("tt:Uri", uri), element("tt:InvalidAfterConnect", False), element("tt:InvalidAfterReboot", False),
        element("tt:Timeout", "PT0S"),
    ))  # fmt: skip
