#!/bin/sh
# Makes the certificates of the tests. Keys are on the curve P-256; nothing but tests may trust them.
set -eu
cd "$(dirname "$0")"
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
key ca-key.pem
openssl req -x509 -new -key ca-key.pem -subj "/CN=Spandrel test CA" -days 36500 -out ca.pem \
  -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign"
sign() { # name, extension
  key "$1-key.pem"
  openssl req -new -key "$1-key.pem" -subj "/CN=$1" -out "$1.csr"
  printf '%s\n' "basicConstraints=critical,CA:FALSE" "$2" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 36500 \
    -extfile "$1.ext" -out "$1.pem"
  rm -f "$1.csr" "$1.ext" ca.srl
}
sign server "subjectAltName=DNS:collector.test,IP:127.0.0.1"
sign client "extendedKeyUsage=clientAuth"
rm -f ca-key.pem
