"""Configuration: what is wrong is said in one line, with the key and the nearest known one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec
import pytest

from monitor.config import MOST_BYTES, PATTERNS, Config, ConfigError, load, parse
from monitor.model.contacts import DeviceClass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def test_an_empty_file_is_a_configuration() -> None:
    """Every key has a default."""
    assert parse("", "empty.toml") == Config()


def test_the_readme_shows_a_valid_configuration() -> None:
    """What people copy works."""
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    config = parse(readme.split("```toml\n")[1].split("```")[0], "README.md")
    assert config.device[0].device_class is DeviceClass.CAMERA
    assert config.mqtt is not None
    assert config.mqtt.tls is not None


def test_the_example_is_valid() -> None:
    """What deploy/ ships works, and is what the README shows."""
    root = Path(__file__).parents[2]
    example = load(root / "deploy" / "camwarden.toml")
    assert example == parse((root / "README.md").read_text().split("```toml\n")[1].split("```")[0], "README.md")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[sit]\n", "x.toml: sit: unknown key (did you mean site?)"),
        ('[site]\nhoem = ["GB"]\n', "x.toml: site.hoem: unknown key (did you mean home?)"),
        ('[[group]]\nname = "a"\nalow = []\n', "x.toml: group[0].alow: unknown key (did you mean allow?)"),
        ('[[device]]\nname = "a"\nip = "10.0.0.1"\nclas = "camera"\n', "unknown key (did you mean class?)"),
        ("[limits]\nflows = 'many'\n", "x.toml: limits.flows: expected `int`, got `str`"),
        ('[site]\nhome = ["Britain"]\n', "site.home: 'Britain' is no ISO 3166-1 alpha-2 country code"),
        ('[site]\ncore_networks = ["10.0.0.0/99"]\n', "site.core_networks: '10.0.0.0/99'"),
        ('[[device]]\nname = "a"\n', "device a: needs ip or mac"),
        ('[[device]]\nname = "a"\nip = "10.0.0.300"\n', "device a: '10.0.0.300'"),
        ('[[device]]\nname = "a"\nmac = "44:19"\n', "device a: '44:19' is no MAC address"),
        ('[[device]]\nname = "a"\nip = "10.0.0.1"\ngroup = "gate"\n[[group]]\nname = "gates"\n', "did you mean gates?"),
        ('[[group]]\nname = "a"\n[[group]]\nname = "a"\n', "group 'a' is there twice"),
        (
            "[sensor]\nname = 'town hall'\n",
            "sensor.name: expected 1 to 64 letters, digits, dots, underscores and hyphens",
        ),
        (
            '[[device]]\nname = "a"\nclass = "kamera"\n',
            "drone, encoder, other, unknown (did you mean camera?)",
        ),
        (
            '[[device]]\nname = "a"\nclass = "kamera"\n',
            "x.toml: device[0].class: 'kamera' is none of camera, recorder,",
        ),
        ('[[device]]\nname = "a"\npoll = { api = "onvi" }\n', "poll.api: 'onvi' is none of isapi, onvif, dahua"),
        ('[[device]]\nname = "a"\npoll = { api = ["onvi"] }\n', "poll.api[0]: 'onvi' is none of isapi, onvif, dahua"),
        ('[mqtt]\nhost = "a"\nprotocol = "4"\n', "mqtt.protocol: '4' is none of 3.1.1, 5"),
        ("not toml", "x.toml: not TOML"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, says: str) -> None:
    """File, key, reason."""
    with pytest.raises(ConfigError) as error:
        parse(text, "x.toml")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def patterns(hint: Any) -> Iterator[str]:
    """Every pattern that a type hint, or a Struct in it, asks for."""
    if isinstance(hint, msgspec.Meta):
        yield from [hint.pattern] if hint.pattern is not None else []
    elif isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        for inner in get_type_hints(hint, include_extras=True).values():
            yield from patterns(inner)
    for inner in get_args(hint):
        yield from patterns(inner)


def test_every_pattern_has_words() -> None:
    """A regular expression is for nobody who writes a configuration; words without a pattern are for nobody at all."""
    assert set(patterns(Config)) == set(PATTERNS)


def test_a_byte_order_mark_is_no_statement(tmp_path: Path) -> None:
    """Windows' editors put one there."""
    path = tmp_path / "bom.toml"
    path.write_bytes(b'\xef\xbb\xbf[sensor]\nname = "hall"\n')
    assert load(path).sensor.name == "hall"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.symlink_to("/dev/zero"), "not a regular file"),
        (os.mkfifo, "not a regular file"),
        (lambda path: path.write_bytes(b"#" * (MOST_BYTES + 1)), "more than 1,048,576 bytes: no configuration"),
    ],
)
def test_a_file_without_an_end(tmp_path: Path, make: Callable[[Path], object], says: str) -> None:
    """Is neither waited for nor read to its end: in a process of its own, which would be killed."""
    path = tmp_path / "x.toml"
    make(path)
    code = f"from pathlib import Path; from monitor.config import load; load(Path({str(path)!r}))"
    limited = ["prlimit", "--as=2000000000", sys.executable, "-c", code]
    done = subprocess.run(limited, capture_output=True, text=True, check=False, timeout=30)
    assert done.stderr.splitlines()[-1] == f"monitor.config.ConfigError: {path}: {says}"


def test_the_largest_configuration_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"#" * MOST_BYTES)
    assert load(path) == Config()


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and a directory are errors of the user's, not of ours."""
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ConfigError, match=str(path)):
            load(path)
