#!/bin/sh
# Makes what compose.yaml mounts and nobody should share: certificates, keys and Grafana's password, below made/.
#   sudo ./prepare.sh SENSOR [HOST]
# SENSOR is sensor.name of camwarden.toml; HOST the name by which others call the broker (localhost). It may be run again.
set -eu
[ $# -ge 1 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 2; }
sensor=$1 host=${2:-localhost}
cd "$(dirname "$0")"
umask 077
mkdir -p made/authority made/broker made/sensor
# The broker's user in its image is 1883, the sensor's in its own 10001, Grafana's 472.
OWNER=1883 ../mosquitto/certificates.sh made/authority "$host" "$sensor" soc home-assistant
cp -p made/authority/ca.pem made/authority/server.pem made/authority/server.key made/broker/
cp ../mosquitto/acl made/broker/acl
for kind in pem key; do cp "made/authority/client-$sensor.$kind" "made/sensor/client.$kind"; done
cp made/authority/ca.pem made/sensor/ca.pem
[ -e made/grafana-password ] || openssl rand -base64 18 >made/grafana-password
if [ "$(id -u)" = 0 ]; then
  chown -R 1883 made/broker
  chown -R 10001 made/sensor
  chown 472 made/grafana-password
fi
echo "made/: keep authority/ca.key off line; Grafana's password is in grafana-password"
