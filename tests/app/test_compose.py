"""deploy/compose by hand: there is no Docker engine here, so the same programs run with the same files at the same places.

``make peers`` has Debian's docker-compose and hadolint read the files; the schema of compose-spec was satisfied when they
were written.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.app.living import MOSQUITTO, ROOT, Program, Site, answers, wait_until
from tests.app.planted import attempt

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPOSE: Final = ROOT / "deploy/compose"
DOCKERFILE: Final = ROOT / "deploy/Dockerfile"
PROGRAMS: Final = {
    "mosquitto": MOSQUITTO,
    "prometheus": shutil.which("prometheus"),
    "alertmanager": shutil.which("prometheus-alertmanager"),
}
PLACE: Final = """
set -e
over=$1 here=$PWD
shift
mkdir "$over"
mount -t tmpfs tmpfs "$over"
mkdir "$over/up" "$over/work" "$over/root"
mount -t overlay -o "lowerdir=/,upperdir=$over/up,workdir=$over/work" overlay "$over/root"
for part in proc sys dev tmp; do mount --rbind "/$part" "$over/root/$part"; done
cd "$over/root"
chmod 755 ./root
while [ "$1" != -- ]; do
  if [ -d "$1" ]; then mkdir -p ".$2"; else mkdir -p "$(dirname ".$2")"; : >".$2"; fi
  mount --bind "$1" ".$2"
  shift 2
done
shift
exec chroot . sh -c 'cd "$0"; shift; exec setpriv "$@"' "$here" "$@"
"""
"""A root of its own over the real one, which nothing is written to; ``ip netns exec`` gives the mount namespace."""
IMAGE_USER: Final = "10001"


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())["services"]
    return found


def user(service: str) -> str:
    """Number of the user that the service runs as; 65534 where the image's own has no rights that matter here."""
    if service == "camwarden":
        return IMAGE_USER
    return str(services()[service].get("user", "65534:")).partition(":")[0]


class Stack:
    """A copy of what the compose file needs, prepared by its script, and its services as they are started."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.folder = site.directory / "tree/deploy/compose"
        for part in ("deploy/compose", "deploy/mosquitto", "dashboards"):
            shutil.copytree(ROOT / part, site.directory / "tree" / part)
        prepare = [self.folder / "prepare.sh", "town-hall-1"]
        subprocess.run(prepare, check=True, capture_output=True)

    def mounts(self, service: str) -> Iterator[tuple[Path, str]]:
        """Where from and where to; volumes are folders of this test's."""
        for each in services()[service]["volumes"]:
            source = self.folder / each["source"]
            if each["type"] == "volume":
                source = self.site.directory / "volumes" / each["source"]
                source.mkdir(parents=True)
                os.chown(source, int(user(service)), -1)
            yield source.resolve(), each["target"]

    def start(self, service: str, *command: str) -> Program:
        """As the compose file says, with what it mounts in place."""
        places = [str(part) for mount in self.mounts(service) for part in mount]
        over = self.site.directory / f"{service}-root"
        who = [f"--reuid={user(service)}", f"--regid={user(service)}", "--clear-groups", "--bounding-set=-all"]
        if "NET_RAW" in services()[service].get("cap_add", []):  # in the image, by the file capability
            who[-1] = "--bounding-set=-all,+net_raw"
            who += ["--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw"]
        command = ("sh", "-c", PLACE, "sh", str(over), *places, "--", "--", *who, *command)
        return self.site.start(*command, CAMWARDEN_CACHE="/var/cache/camwarden")

    def get(self, url: str) -> Any:
        with self.site.space.inside(), urllib.request.urlopen(url, timeout=5) as answer:
            return json.load(answer)["data"]


@pytest.fixture
def stack(site: Site) -> Stack:
    for name, program in PROGRAMS.items():
        if program is None:
            pytest.skip(f"{name} is not installed")
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    return Stack(site)


def test_the_stack_works_together(stack: Stack) -> None:
    """Broker with TLS, sensor on eth1, Prometheus that scrapes it with all rules, and its Alertmanager."""
    site = stack.site
    site.space.pair("mirror", "eth1")
    programs = {}
    for service, program in PROGRAMS.items():
        command = services()[service]["command"]
        arguments = command[1:] if service == "mosquitto" else command
        programs[service] = stack.start(service, str(program), *arguments)
    with site.space.inside():
        wait_until(lambda: all(answers(port) for port in (8883, 9090, 9093)), "the services", 30)
    run = re.search(r"^CMD (\[.*\])$", DOCKERFILE.read_text(), re.MULTILINE)
    assert run is not None
    sensor = stack.start("camwarden", sys.executable, "-m", "monitor.cli", *json.loads(run[1]))
    wait_until(lambda: '"event": "mqtt_connected"' in sensor.log.read_text(), "the sensor's broker", 30)

    site.send(attempt(0), interface="mirror")
    metrics = "http://127.0.0.1:9090/api/v1"
    query = f"{metrics}/query?query=sum(camwarden_incidents_open)"
    wait_until(lambda: [row["value"][1] for row in stack.get(query)["result"]] == ["1"], "the incident as a metric", 45)
    groups = stack.get(f"{metrics}/rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    named = (ROOT / "dashboards/prometheus/alerts.yml").read_text().count("- alert:")
    assert sum(rule["type"] == "alerting" for rule in rules) == named
    assert all(rule["health"] in ("ok", "unknown") for rule in rules)
    told = stack.get(f"{metrics}/alertmanagers")["activeAlertmanagers"]
    assert [each["url"] for each in told] == ["http://127.0.0.1:9093/api/v2/alerts"]
    assert all(each.process.poll() is None for each in programs.values())


def test_every_mounted_file_is_there_and_nobody_elses_to_change(stack: Stack) -> None:
    """Read-only, found, and never made by Docker as an empty folder."""
    for name, service in services().items():
        for each in service["volumes"]:
            if each["type"] == "bind":
                assert (stack.folder / each["source"]).exists(), (name, each["source"])
                assert each["read_only"], (name, each)
                assert each["bind"] == {"create_host_path": False}
    keys = list((stack.folder / "made").rglob("*.key"))
    assert {path.stat().st_mode & 0o077 for path in keys} == {0}
    assert not [path for path in keys if path.name == "ca.key" and path.parent.name != "authority"]
    mounted = {each["source"] for service in services().values() for each in service["volumes"]}
    assert "made/authority" not in mounted


def test_nothing_is_privileged_and_nothing_listens_but_the_broker() -> None:
    """One capability for one service; images have a version; web interfaces are on 127.0.0.1."""
    for name, service in services().items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"], name
        assert service.get("cap_add", []) == (["NET_RAW"] if name == "camwarden" else []), name
        assert ("security_opt" in service) == (name != "camwarden"), name
        assert not {"privileged", "pid", "devices", "ports"} & set(service), name
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service["image"]), name
        for word in service.get("command", []):
            if "listen-address" in word:
                assert word.partition("=")[2].startswith("127.0.0.1:") or word == "--cluster.listen-address="
    assert services()["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def test_the_image_is_made_by_the_rules() -> None:
    """Those of hadolint that it is likely to break: versions of images, no root at the end, nothing left behind."""
    text = DOCKERFILE.read_text()
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    by_word = [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]
    images = {words.split()[0] for word, words in by_word if word == "FROM"}
    assert images == {"python:3.11-slim-bookworm"}
    assert [words for word, words in by_word if word == "USER"] == [f"{IMAGE_USER}:{IMAGE_USER}"]
    assert all(words.startswith("[") for word, words in by_word if word in ("CMD", "ENTRYPOINT"))
    for word, words in by_word:
        assert word != "ADD"
        if "apt-get install" in words:
            assert "--no-install-recommends" in words
            assert "rm -rf /var/lib/apt/lists/*" in words
        if "pip install" in words:
            assert "--no-cache-dir" in words
        if word == "COPY" and "--from" not in words:
            assert all((ROOT / source).exists() for source in words.split()[:-1])
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {"**/*.so", "**/*.c", ".git", ".venv"} <= set(ignored)
