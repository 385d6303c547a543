#!/bin/sh
# camwarden and all that it needs, as wheels in one folder, to carry to a machine that nothing is fetched to.
#   deploy/wheelhouse.sh DIRECTORY [PYTHON]        from a checkout; PYTHON (python3) is the version that the sensor has
# There: cd DIRECTORY && sha256sum -c SHA256SUMS
#        python3 -m venv /opt/camwarden && /opt/camwarden/bin/pip install --no-index --find-links DIRECTORY camwarden
# Same processor and same version of Python on both machines; the C library there may not be older.
set -eu
[ $# -ge 1 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
mkdir -p "$1"
directory=$(cd "$1" && pwd)
python=${2:-python3}
cd "$(dirname "$0")/.."
rm -f "$directory"/*.whl
rm -rf build # setuptools would take what an earlier build left there into the wheel
# The demo's broker goes with it, so that `camwarden demo --once` can say there whether all is well.
"$python" -m pip wheel --quiet --wheel-dir "$directory" '.[demo]'
cd "$directory"
sha256sum -- *.whl >SHA256SUMS
echo "$directory: $(wc -l <SHA256SUMS) wheels; sign SHA256SUMS if the way there is long"
