"""The broker's certificate and name are verified, without a way round."""

from __future__ import annotations

import asyncio
import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from monitor.sinks.mqtt import MqttConfig, MqttSink, MqttTls

if TYPE_CHECKING:
    from monitor.store.worker import StoreWorker

DAY = datetime.timedelta(days=1)


class Authority:
    """A private CA that issues one server certificate."""

    def __init__(self, directory: Path, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.directory = directory
        self.path = directory / f"{name}.pem"
        self.path.write_bytes(self._sign(self.name, self.key, x509.BasicConstraints(ca=True, path_length=None)))

    def _sign(
        self,
        name: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *extensions: x509.ExtensionType,
        valid: tuple[datetime.timedelta, datetime.timedelta] = (-DAY, DAY),
    ) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder().issuer_name(self.name).subject_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now + valid[0]).not_valid_after(now + valid[1])
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(
        self, host: str, valid: tuple[datetime.timedelta, datetime.timedelta] = (-DAY, DAY), name: str = "server"
    ) -> str:
        """The mosquitto settings of a listener that is called ``host``; from when and until when, from now on."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        (self.directory / f"{name}.pem").write_bytes(self._sign(subject, key, names, valid=valid))
        (self.directory / f"{name}.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return f"certfile {self.directory}/{name}.pem\nkeyfile {self.directory}/{name}.key\n"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("trusted", "called", "complaint"),
    [
        ("right", "localhost", None),
        ("wrong", "localhost", "certificate verify failed"),
        ("right", "elsewhere", "certificate verify failed"),
        ("missing", "localhost", "No such file"),
    ],
)
async def test_only_the_broker_of_the_trusted_authority_gets_messages(
    mosquitto: Any,
    worker: StoreWorker,
    journal: Any,
    tmp_path: Path,
    trusted: str,
    called: str,
    complaint: str | None,
) -> None:
    """A wrong authority, a wrong name or a missing file: nothing is sent, and the state says why."""
    right, _ = Authority(tmp_path, "right"), Authority(tmp_path, "wrong")
    mosquitto.extra = right.issue(called)
    mosquitto.start()
    tls = MqttTls(ca=str(tmp_path / f"{trusted}.pem"))
    config = MqttConfig(host="localhost", port=mosquitto.port, tls=tls)
    sink = MqttSink(config, "hall-1", worker.outbox("mqtt"))
    await journal(worker, range(5))
    task = asyncio.create_task(sink.run())
    delivered = await sink.drain(10 if complaint is None else 0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert delivered == (complaint is None)
    assert sink.state.delivered == (5 if complaint is None else 0)
    assert (sink.state.last_error is None) if complaint is None else (complaint in (sink.state.last_error or ""))
