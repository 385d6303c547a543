"""The README's fifteen minutes, word by word, on a root of its own: what is typed there works, in that order.

Where there is no systemd, a restart starts the program as Debian's unit does; Grafana is not in Debian, and its step is
held to the files that it names. The minute of the doctor is two seconds here.
"""

from __future__ import annotations

import re
import shutil
import sys
from typing import Final

import pytest

from tests.app.living import MOSQUITTO, ROOT, Site, wait_until
from tests.app.test_compose import PLACE

HEADING: Final = "## On your broker, Prometheus and Grafana, in fifteen minutes"
MACHINE: Final = """
set -eu
sudo() { "$@"; }
systemctl() {
  case $2 in
    mosquitto) install -d -o mosquitto /run/mosquitto /var/log/mosquitto; {mosquitto} -c /etc/mosquitto/mosquitto.conf & ;;
    prometheus) prometheus --config.file=/etc/prometheus/prometheus.yml --storage.tsdb.path=/tmp/{here}/tsdb & ;;
    grafana-server) ls /etc/grafana/provisioning/dashboards/camwarden.yml /var/lib/grafana/dashboards/camwarden/overview.json ;;
  esac
  sleep 2
}
camwarden() { {python} -m monitor.cli "$@"; }
mkdir -p /etc/grafana/provisioning
export CAMWARDEN_CACHE=/var/cache/camwarden
"""


def block() -> str:
    """What is typed."""
    text = (ROOT / "README.md").read_text()
    match = re.search(r"```\n(.*?)```", text[text.index(HEADING) :], re.DOTALL)
    assert match is not None
    return match[1]


def test_word_by_word(site: Site) -> None:
    """It ends with a test incident in the hands of the operations centre, and a target that Prometheus reaches."""
    for program in ("prometheus", "openssl", "mosquitto_sub"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    site.broker.process.kill()
    site.broker.process.wait()
    site.space.pair("mirror", "eth1")
    typed = block().replace(".venv/bin/camwarden", "camwarden").replace("--for 60s", "--for 2s")
    typed = re.sub(r"^(sudo camwarden doctor .*)$", r"\1 || true", typed, flags=re.MULTILINE)  # an empty mirror is red
    here = site.directory.name
    (site.directory / "tsdb").mkdir()
    machine = MACHINE.replace("{mosquitto}", str(MOSQUITTO)).replace("{python}", sys.executable)
    typed = typed.replace("sudo camwarden run", "sleep 0; sudo camwarden run")
    ending = """
for second in $(seq 60); do
  curl -sf 'http://127.0.0.1:9090/api/v1/query?query=up' >{answer} || true
  if grep -q '"1"]' {answer}; then break; fi
  sleep 1
done
cat {answer}; echo
curl -sf http://127.0.0.1:9477/healthz ; echo
"""
    script = site.directory / "typed.sh"
    script.write_text(
        machine.replace("/tmp/{here}/tsdb", str(site.directory / "tsdb")).replace("{here}", here)
        + typed
        + ending.replace("{answer}", str(site.directory / "answer"))
    )
    over = site.directory / "root"
    alone = ("unshare", "--pid", "--fork", "--kill-child")  # with the script ends what it started
    program = site.start("sh", "-c", PLACE, "sh", str(over), "--", "--", "--reuid=0", *alone, "bash", str(script))
    wait_until(lambda: program.process.poll() is not None, "the end", 180)
    said = program.log.read_text()
    assert program.process.returncode == 0, said
    assert re.search(r"^camwarden/v1/town-hall-1/incidents/test \{", said, re.MULTILINE), said
    assert '"job":"camwarden"},"value":[' in said
    assert re.search(r'"job":"camwarden"\},"value":\[[\d.]+,"1"\]', said), said
    assert '"mqtt_connected":true' in said


def test_nothing_of_it_is_invented() -> None:
    """Every file that is copied is in the repository."""
    for source in re.findall(r"(?:cp|cp -r) ((?:deploy|dashboards)/\S+)", block()):
        assert list(ROOT.glob(source)), source
