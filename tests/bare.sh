#!/usr/bin/env bash
# .ci/run of the last commit on a bare Debian 12: debootstrap's minimal one, in a folder of its own (TMPDIR). Needs root and
# debootstrap.
#
# What the machine around it has installed is not there, so a package that nobody names is missed here and nowhere else.
# The captures of ../shared are lent to it where they are.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$(mktemp -d)
chmod 755 "$root" # it will be /, which everybody may enter
leave() {
  umount --recursive --lazy "$root" 2>/dev/null || true
  if grep -q " $root" /proc/mounts; then
    echo "left behind, since something is still mounted there: $root" >&2
  else
    rm -rf "$root"
  fi
}
trap leave EXIT

mirror=$(sed -n 's/^URIs: *//p; s/^deb  *\(http[^ ]*\).*/\1/p' /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null | grep -v security | head -n 1 || true)
debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "${mirror:-http://deb.debian.org/debian}" >/dev/null
mount --bind "$root" "$root" # a root that ip netns can make private
mount --make-private "$root"
for part in proc sys dev; do
  mount --rbind "/$part" "$root/$part"
  mount --make-rslave "$root/$part"
done
cp --dereference /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/lent.crt"
[ ! -f /etc/pip.conf ] || cp --dereference /etc/pip.conf "$root/etc/"
git clone --quiet . "$root/work/main"
if [ -d ../shared ]; then
  mkdir "$root/work/shared"
  mount -o bind,ro ../shared "$root/work/shared"
fi
env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  PIP_CERT=/etc/ssl/lent.crt SSL_CERT_FILE=/etc/ssl/lent.crt chroot "$root" /work/main/.ci/run
