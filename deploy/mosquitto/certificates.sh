#!/bin/sh
# A private authority, the broker's certificate, and one for each client: what mosquitto.conf beside this wants.
#
#   certificates.sh DIRECTORY BROKER CLIENT...
#   certificates.sh /etc/mosquitto/camwarden broker.example.org town-hall-1 soc
#
# BROKER is the name, or the address, by which clients call it. A client's name is what the ACL knows it by: for a sensor
# it is sensor.name of its configuration. Run it again to add clients or to renew: the authority stays, the rest is new.
# Keep ca.key off line: who has it can be any client. server.key is given to the user OWNER (mosquitto), if root runs this.
set -eu
[ $# -ge 3 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
directory=$1 broker=$2
shift 2
for name in "$broker" "$@"; do
  case $name in
    '' | *[!A-Za-z0-9._:-]*) echo "$0: $name: a name has letters, digits and ._:- only" >&2; exit 2 ;;
  esac
done
umask 077
mkdir -p "$directory"
chmod 755 "$directory" # the broker's user passes; keys are their owner's alone
cd "$directory"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }

# issue NAME SUBJECT DAYS EXTENSIONS
issue() {
  key "$1.key.new"
  printf '%b' "$4" >"$1.ext"
  openssl req -new -key "$1.key.new" -subj "/CN=$2" |
    openssl x509 -req -CA ca.pem -CAkey ca.key -set_serial "0x$(openssl rand -hex 16)" -days "$3" -sha256 \
      -extfile "$1.ext" -out "$1.pem.new" 2>/dev/null
  rm "$1.ext"
  mv "$1.key.new" "$1.key"
  mv "$1.pem.new" "$1.pem"
  chmod 644 "$1.pem"
}

if [ ! -e ca.key ]; then
  key ca.key
  openssl req -x509 -new -key ca.key -subj "/CN=camwarden broker authority" -days 3650 -sha256 \
    -addext "basicConstraints=critical,CA:TRUE,pathlen:0" -addext "keyUsage=critical,keyCertSign,cRLSign" -out ca.pem
  chmod 644 ca.pem
fi
case $broker in
  *[!0-9.]*) case $broker in *:*) kind=IP ;; *) kind=DNS ;; esac ;;
  *) kind=IP ;;
esac
usage='basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage='
issue server "$broker" 825 "${usage}serverAuth\nsubjectAltName=$kind:$broker\n"
if [ "$(id -u)" = 0 ]; then chown "${OWNER:-mosquitto}" server.key; fi
for client in "$@"; do
  issue "client-$client" "$client" 825 "${usage}clientAuth\n"
done
echo "$directory: ca.pem, server.pem and $# of client-*.pem; copy to each client its own pair and ca.pem"
