"""A camera's RTSP server, GStreamer's: H.264 behind a password. For Debian's python3, which has its bindings.

Arguments: port, user, password, realm, "basic" or "digest". Serves until it is ended.
"""

from __future__ import annotations

import sys

import gi  # type: ignore[import-not-found]

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # type: ignore[import-not-found]  # noqa: E402

PIPELINE = (
    "( videotestsrc is-live=true ! video/x-raw,width=320,height=240,framerate=25/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay name=pay0 pt=96 )"
)
ROLE = "viewer"


def main(port: str, user: str, password: str, realm: str, method: str) -> None:
    """Serve one stream to whoever knows the password."""
    Gst.init(None)
    token = GstRtspServer.RTSPToken.new()
    token.set_string(GstRtspServer.RTSP_TOKEN_MEDIA_FACTORY_ROLE, ROLE)
    auth = GstRtspServer.RTSPAuth.new()
    auth.set_realm(realm)
    if method == "digest":
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(user, password, token)
    else:
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    permissions = GstRtspServer.RTSPPermissions.new()
    for permission in (GstRtspServer.RTSP_PERM_MEDIA_FACTORY_ACCESS, GstRtspServer.RTSP_PERM_MEDIA_FACTORY_CONSTRUCT):
        permissions.add_permission_for_role(ROLE, permission, True)
    factory = GstRtspServer.RTSPMediaFactory.new()
    factory.set_launch(PIPELINE)
    factory.set_shared(True)
    factory.set_permissions(permissions)
    server = GstRtspServer.RTSPServer.new()
    server.set_service(port)
    server.set_auth(auth)
    server.get_mount_points().add_factory("/Streaming/Channels/101", factory)
    server.attach(None)
    GLib.MainLoop().run()


main(*sys.argv[1:])
