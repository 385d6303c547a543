"""Tell an MQTT broker of every incident and of the present state; the only door to aiomqtt.

Strategy: each connection is a new client with a clean session, since what a dead client had in flight is gone and
the outbox is ours. ``Courier`` delivers the incidents over it; beside them go a retained status with a last will,
the newest retained state of each topic, and requests for a resync.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import aiomqtt
import msgspec
import structlog
from msgspec import Meta, Struct
from paho.mqtt.client import MQTT_ERR_SUCCESS
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from monitor.model.limits import Limit, Room
from monitor.sinks.backoff import Backoff
from monitor.sinks.courier import REFUSED, WINDOW, Courier, LinkError, Tally, apart, drained
from monitor.sinks.mqtt_config import MqttConfig, MqttTls, complaint, credentials
from monitor.sinks.topics import FORBIDDEN_IN_TOPIC, topic_level
from monitor.sinks.trust import words

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

    from monitor.sinks.source import Outgoing, Source

__all__ = ["Backoff", "MqttConfig", "MqttSink", "MqttTls", "SinkState", "topic_level"]

log = structlog.get_logger(__name__)

ONLINE: Final = b"online"
OFFLINE: Final = b"offline"
TIMEOUT: Final = 10.0
"""Seconds for a connection to be made, and for the broker to answer one request."""
FAREWELL: Final = 2.0
"""Seconds for the broker to take our "offline" when we stop."""
STEADY: Final = 60.0
"""A connection that lasted this long, in seconds, forgets the failures before it."""
RETAINED: Final = 4096
"""Most retained topics: some thousand devices."""
INCOMING: Final = 16
"""Most requests waiting to be read."""
PACKET_LIMIT: Final = 65536
"""Bytes of a packet that the broker may send us (MQTT 5.0, 3.1.2.11.4)."""
TOO_LARGE: Final = 0x95
"""Packet too large (MQTT 5.0, 2.4)."""
OVERHEAD: Final = 64
"""More bytes than an MQTT PUBLISH has beside its topic and payload."""
LARGEST_SEQ: Final = 2**53 - 1
"""The largest number that every reader of JSON has exactly (RFC 7493, 2.2)."""


class ResyncRequest(Struct, frozen=True):
    """What may be asked on the resync topic."""

    from_seq: Annotated[int, Meta(ge=1, le=LARGEST_SEQ)]


class SinkState(Struct, frozen=True):
    """A sink at one moment."""

    connected: bool
    delivered: int
    repeated: int
    refused: int
    parked: int
    retained_dropped: int
    """Retained states that had no room."""
    last_error: str | None


class MqttSink:
    """One broker. ``run`` serves it; every method belongs to the event loop's thread."""

    def __init__(
        self,
        config: MqttConfig,
        sensor: str,
        source: Source,
        *,
        backoff: Backoff | None = None,
        visiting: bool = False,
    ) -> None:
        """ValueError if the configured topic is no topic.

        ``visiting``: beside a daemon that serves the same topics, so nothing but incidents is told, and nothing heard.
        """
        if FORBIDDEN_IN_TOPIC & set(config.topic) or config.topic.startswith(("$", "/")):
            msg = f"{config.topic!r} is no topic to publish under"
            raise ValueError(msg)
        self._config = config
        self.base = f"{config.topic.rstrip('/')}/{topic_level(sensor)}"
        """Topic of this sensor; all of its own are below."""
        self._client_id = (config.client_id or f"camwarden-{sensor}") + ("-visiting" if visiting else "")
        self._visiting = visiting
        self._port = config.broker_port
        self._source = source
        self._backoff = backoff or Backoff()
        self._log = log.bind(host=config.host, port=self._port)
        self._tally = Tally()
        self._connected = False
        self._down = False
        self._last_error: str | None = None
        self._careful = False
        self._blamed = False
        self._retained: dict[str, bytes] = {}
        self._stale: dict[str, None] = {}
        self._denied: dict[str, None] = {}
        self._restated = asyncio.Event()
        self._retained_dropped = 0

    @property
    def state(self) -> SinkState:
        """What can be seen from outside."""
        return SinkState(
            connected=self._connected,
            delivered=self._tally.delivered,
            repeated=self._tally.repeated,
            refused=self._tally.refused,
            parked=self._tally.parked,
            retained_dropped=self._retained_dropped,
            last_error=self._last_error,
        )

    def publish_retained(self, topic_suffix: str, body: bytes) -> None:
        """Make ``body`` the retained state of ``<topic>/<sensor>/<topic_suffix>``, see ``retain``."""
        if not topic_suffix:
            raise ValueError("'' is no topic to publish under")
        self.retain(f"{self.base}/{topic_suffix}", body)

    def retain(self, topic: str, body: bytes) -> None:
        """Make ``body`` the retained state of a topic; only the newest is sent. An empty one takes the topic back.

        ValueError if it is no topic (see ``topic_level``). Beyond 4096 topics new ones are dropped
        and counted, and so are topics that the broker has denied.
        """
        if not topic or FORBIDDEN_IN_TOPIC & set(topic):
            msg = f"{topic!r} is no topic to publish under"
            raise ValueError(msg)
        if self._retained.get(topic) == body:
            return
        full = topic not in self._retained and len(self._retained) >= RETAINED
        if full or topic in self._denied:
            self._retained_dropped += 1
            return
        self._retained[topic] = body
        self._stale[topic] = None
        self._restated.set()

    def limit(self) -> Limit:
        """The room for retained topics."""
        return Limit(Room.RETAINED, RETAINED, len(self._retained), self._retained_dropped)

    async def run(self) -> None:
        """Serve the broker until cancelled, whatever it does; an error of the source ends it."""
        loop = asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await apart(self._serve())
            except* (aiomqtt.MqttError, LinkError) as group:
                self._lost(_cause(group))
            if loop.time() - began > STEADY:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next())

    async def drain(self, timeout: float) -> bool:  # noqa: ASYNC109  a deadline for the whole, with an answer
        """Wait while ``run`` delivers; whether nothing is owed any more within ``timeout`` seconds."""
        return await drained(self._source, self._tally, timeout)

    async def _serve(self) -> None:
        """Make one connection and use it until it fails."""
        async with self._connection() as link:
            slots = asyncio.Semaphore(link.window)
            courier = Courier(
                self._source,
                link,
                self._tally,
                slots=slots,
                careful=self._careful,
                repeat=0 if self._blamed else WINDOW,
                refusals=self._config.refusals,
                pause=self._backoff.pause,
                parked=self._parked,
            )
            try:
                await self._greet(link)
                self._found()
                async with asyncio.TaskGroup() as group:
                    group.create_task(courier.run(), name="mqtt-incidents")
                    group.create_task(self._state(link, slots), name="mqtt-state")
                    group.create_task(self._listen(link, courier), name="mqtt-listen")
            except asyncio.CancelledError:
                await self._farewell(link)
                raise
            except ExceptionGroup:
                self._blamed = await courier.finish()
                self._careful = courier.in_flight > 0 and not courier.settled
                raise
            finally:
                self._connected = False
                if courier.accepted:
                    self._backoff.reset()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        config = self._config
        try:
            password, context = await asyncio.to_thread(credentials, config)
        except OSError as error:
            raise LinkError(str(error)) from error
        connection = Connection(
            config.host,
            self._port,
            identifier=self._client_id,
            username=config.username,
            password=password,
            tls_context=context,
            keepalive=config.keepalive,
            five=config.protocol == "5",
            base=self.base,
            will=not self._visiting,
        )
        async with connection:
            yield connection

    async def _greet(self, link: Connection) -> None:
        if self._visiting:
            return
        status = await link.deliver(f"{self.base}/status", ONLINE)
        if status >= REFUSED:
            msg = f"the broker answers that we may not publish to {self.base}/status (reason code 0x{status:02x})"
            raise LinkError(msg)
        granted = await link.subscribe(f"{self.base}/resync", qos=1)
        refused = [getattr(code, "value", code) for code in granted]
        if max(refused, default=0) >= REFUSED:
            self._log.warning("mqtt_rights_missing", resync=refused)

    async def _farewell(self, link: Connection) -> None:
        """Say that we stop; the last will says it for us if this fails."""
        if self._visiting:
            return
        try:
            async with asyncio.timeout(FAREWELL):
                await link.deliver(f"{self.base}/status", OFFLINE)
        except (LinkError, TimeoutError) as error:
            self._log.info("mqtt_farewell_failed", reason=str(error))

    async def _state(self, link: Connection, slots: asyncio.Semaphore) -> None:
        """Send each retained state that changed; after a reconnect all, since the broker may have lost them."""
        self._stale = dict.fromkeys(self._retained)
        while True:
            self._restated.clear()
            while self._stale:
                topic = next(iter(self._stale))
                del self._stale[topic]
                async with slots:
                    body = self._retained[topic]
                    await link.deliver(topic, body, partial(self._stated, topic, body))
            await self._restated.wait()

    async def _listen(self, link: Connection, courier: Courier) -> None:
        """Answer resync requests; ends with the connection."""
        loop = asyncio.get_running_loop()
        async for message in link.messages:
            if message.retain:  # an old request that the broker kept would come back at every connection
                continue
            try:
                request = msgspec.json.decode(_payload(message), type=ResyncRequest)
            except msgspec.DecodeError as error:
                self._log.warning("mqtt_resync_malformed", reason=str(error))
                continue
            accepted = courier.resync(request.from_seq, loop.time())
            self._log.info("mqtt_resync", from_seq=request.from_seq, accepted=accepted)

    def _stated(self, topic: str, body: bytes, reason: int) -> None:
        """Give up a retained topic that the broker denies, since some hang up at each try, or that is taken back."""
        if reason >= REFUSED:
            if len(self._denied) >= RETAINED:
                del self._denied[next(iter(self._denied))]
            self._denied[topic] = None
            self._stale.pop(topic, None)
            self._retained.pop(topic, None)
            self._retained_dropped += 1
            self._last_error = f"retained {topic} refused: reason code 0x{reason:02x}"
            self._log.warning("mqtt_retained_denied", topic=topic, reason=reason)
        elif not body and not self._retained.get(topic):
            self._stale.pop(topic, None)
            self._retained.pop(topic, None)

    def _parked(self, message: Outgoing, reason: str) -> None:
        self._last_error = f"message {message.seq} refused: {reason}"
        self._log.error("mqtt_message_parked", seq=message.seq, uid=message.uid, reason=reason)

    def _found(self) -> None:
        self._connected, self._down = True, False
        if self._config.tls is None and self._config.password_file:
            self._log.warning("mqtt_password_in_the_clear")
        self._log.info("mqtt_connected")

    def _lost(self, reason: str) -> None:
        self._connected, self._last_error = False, reason
        if not self._down:
            self._log.warning("mqtt_lost", reason=reason)
        self._down = True


class Connection(aiomqtt.Client):
    """One connection, which tells the broker's reason codes; aiomqtt 2 keeps them to itself."""

    def __init__(self, host: str, port: int, *, five: bool, base: str, will: bool, **options: Any) -> None:
        """``base`` is the topic of this sensor; ``options`` are aiomqtt's."""
        greeting = None
        if five:
            greeting = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            greeting.MaximumPacketSize = PACKET_LIMIT
        quiet = logging.getLogger(f"{__name__}.paho")
        quiet.setLevel(
            logging.CRITICAL
        )  # it has a line for each failed try; ours are one when it goes and one when it is back
        super().__init__(
            host,
            port,
            logger=quiet,
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            properties=greeting,
            clean_session=None if five else True,
            will=aiomqtt.Will(f"{base}/status", OFFLINE, qos=1, retain=True) if will else None,
            timeout=TIMEOUT,
            max_inflight_messages=WINDOW,
            max_queued_incoming_messages=INCOMING,
            **options,
        )
        self._base = base
        self._secured: ssl.SSLContext | None = options.get("tls_context")
        self._settled: dict[int, Callable[[int], None]] = {}
        self._packet_limit: int | None = None
        self.window = WINDOW
        """Most messages in flight that both ends allow (Receive Maximum, MQTT 5.0, 3.2.2.3.3)."""

    def post(self, message: Outgoing, settled: Callable[[int], None]) -> None:
        """Send an incident message."""
        self._post(f"{self._base}/incidents/{message.kind}", message.body, settled, retain=False)

    async def deliver(self, topic: str, body: bytes, told: Callable[[int], None] | None = None) -> int:
        """Send retained state and return the broker's reason code; ``told`` gets it even if we are cancelled."""
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def settled(reason: int) -> None:
            if told is not None:
                told(reason)
            if not answer.done():
                answer.set_result(reason)

        self._post(topic, body, settled, retain=True)
        try:
            async with asyncio.timeout(TIMEOUT):
                return await answer
        except TimeoutError:
            msg = f"no acknowledgement for {TIMEOUT:.0f} s"
            raise LinkError(msg) from None

    def _post(self, topic: str, body: bytes, settled: Callable[[int], None], *, retain: bool) -> None:
        if self._packet_limit is not None and len(topic.encode()) + len(body) + OVERHEAD > self._packet_limit:
            asyncio.get_running_loop().call_soon(settled, TOO_LARGE)
            return
        info = self._client.publish(topic, body, 1, retain)
        if info.rc != MQTT_ERR_SUCCESS:
            msg = f"cannot send (paho error {int(info.rc)})"
            raise LinkError(msg)
        self._settled[info.mid] = settled

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        settled = self._settled.pop(mid, None)
        if settled is not None:
            settled(int(reason_code.value))
        super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:  # noqa: ARG002  paho's call
        """Watch the socket for room to write, unless it has been closed by the time the loop comes to it.

        aiomqtt takes the descriptor's number now and watches it later: after the broker's death that is an
        error in the loop, or, once the number is another file's, a stranger that is watched.
        """

        def write() -> None:
            try:
                client.loop_write()
            except OSError as error:
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        def watch() -> None:
            if sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), write)

        self._loop.call_soon_threadsafe(watch)

    def _on_disconnect(
        self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Properties | None = None
    ) -> None:
        """Fail at once if the broker hangs up before it has answered; aiomqtt would wait for its answer."""
        if not self._connected.done():
            unasked = "" if self._secured is not None else ": does this port want TLS?"
            why = complaint(self._secured) or f"closed the connection without an answer{unasked}"
            self._connected.set_exception(aiomqtt.MqttError(why))
            return
        super()._on_disconnect(client, userdata, flags, reason_code, properties)

    def _on_connect(
        self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Properties | None = None
    ) -> None:
        self.window = min(WINDOW, int(getattr(properties, "ReceiveMaximum", WINDOW)))
        self._packet_limit = getattr(properties, "MaximumPacketSize", None)
        super()._on_connect(client, userdata, flags, reason_code, properties)


def _payload(message: aiomqtt.Message) -> bytes:
    return message.payload if isinstance(message.payload, bytes) else b""


def _cause(group: BaseExceptionGroup[BaseException]) -> str:
    """Return what began the first failure of an exception group, as one line."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    error = error.__cause__ or error
    return words(" ".join(str(error).split())) or type(error).__name__
