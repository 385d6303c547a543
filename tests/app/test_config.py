"""Configuration: what is wrong is said in one line, with the key and the nearest known one."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.config import Config, ConfigError, load, parse
from monitor.model.contacts import DeviceClass


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
        ("[sensor]\nname = 'town hall'\n", "sensor.name"),
        ("not toml", "x.toml: not TOML"),
    ],
)
def test_what_is_wrong_is_one_line(text: str, says: str) -> None:
    """File, key, reason."""
    with pytest.raises(ConfigError) as error:
        parse(text, "x.toml")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file and a directory are errors of the user's, not of ours."""
    for path in (tmp_path / "missing.toml", tmp_path):
        with pytest.raises(ConfigError, match=str(path)):
            load(path)
