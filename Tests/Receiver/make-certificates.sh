#!/bin/sh
# Makes certificates for tests in DIR: a test authority (ca.pem), server (server.pem, server.key)
# for localhost and 127.0.0.1, expired.pem, another authority (other-ca.pem) with other.pem, and a
# client certificate (client.pem, client.key). All server certificates share server.key.
set -eu
[ $# -eq 1 ] || { echo "usage: make-certificates.sh DIR" >&2; exit 2; }
mkdir -p "$1"
cd "$1"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; chmod 600 "$1"; }

authority() { # NAME COMMON-NAME
    key "$1.key"
    openssl req -x509 -new -key "$1.key" -subj "/CN=$2" -days 3650 -out "$1.pem" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign,cRLSign"
}

# Signed through `openssl ca`, the only command that takes dates of the past.
sign() { # REQUEST OUT AUTHORITY EXTENSIONS [START END]
    work=$(mktemp -d)
    : > "$work/index"
    openssl rand -hex 16 > "$work/serial"
    cat > "$work/conf" <<CONF
[ca]
default_ca = this
[this]
database = $work/index
serial = $work/serial
new_certs_dir = $work
default_md = sha256
default_days = 3650
policy = any
x509_extensions = $4
[any]
commonName = supplied
[server]
basicConstraints = critical,CA:FALSE
subjectAltName = DNS:localhost,IP:127.0.0.1
extendedKeyUsage = serverAuth
[client]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = clientAuth
CONF
    set -- "$1" "$2" "$3" "${5:-}" "${6:-}"
    openssl ca -batch -notext -config "$work/conf" -cert "$3.pem" -keyfile "$3.key" \
        ${4:+-startdate "$4" -enddate "$5"} -in "$1" -out "$2" 2>"$work/log" \
        || { cat "$work/log" >&2; exit 1; }
    rm -r "$work"
}

authority ca "Receiver test authority"
authority other-ca "Another test authority"
key server.key
key client.key
openssl req -new -key server.key -subj "/CN=localhost" -out server.csr
openssl req -new -key client.key -subj "/CN=gw-0001" -out client.csr
sign server.csr server.pem ca server
sign server.csr expired.pem ca server 20200101000000Z 20200201000000Z
sign server.csr other.pem other-ca server
sign client.csr client.pem ca client
rm -f ./*.csr
