#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# OpenSC 0.23.0 (Debian 12, 0.23.0-0.3+deb12u2), SoftHSM 2.6.1 as the token.
#
# A token holds the build keys of several clusters, told apart by their labels. `pkcs11-tool --label NAME` reads, writes and
# deletes the object of that name, but `--sign` does not look at it: it signs with the first private key that the token lists,
# exits 0, and does so for a label that no object has. `--id` is obeyed, and an id that no key has is an error. So a script
# that signs by label works until a second key is on the token, and then signs everything in another cluster's name, of which
# only a verification with the right public key tells. Lockstep names a token's key by its id alone.
#
# Seen (which of the two comes first differs from token to token):
#   --label one: exit 0, signed by two
#   --label two: exit 0, signed by two
#   --label nobody: exit 0, signed by two
#   --id 02: exit 0, signed by two
#   --id 09: exit 1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for package in opensc=0.23.0-0.3+deb12u2 softhsm2=2.6.1-2.1; do
  [ "$(dpkg-query -W -f '${Version}' "${package%%=*}" 2>/dev/null || true)" = "${package#*=}" ] ||
    apt-get install -y -q "$package" >/dev/null 2>&1 || { echo "cannot install $package"; exit 2; }
done
mkdir tokens
printf 'directories.tokendir = %s/tokens\nobjectstore.backend = file\nlog.level = ERROR\n' "$dir" >softhsm2.conf
export SOFTHSM2_CONF=$dir/softhsm2.conf
tool() { pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin 123456 "$@"; }
softhsm2-util --init-token --free --label keys --so-pin 123456 --pin 123456 >/dev/null
id=1
for name in one two; do
  tool --keypairgen --key-type EC:prime256v1 --usage-sign --label "$name" --id "0$id" >/dev/null 2>&1
  tool --read-object --type pubkey --label "$name" --output-file "$name.der" >/dev/null 2>&1
  openssl pkey -pubin -inform DER -in "$name.der" -out "$name.pem"
  id=$((id + 1))
done
# What ECDSA signs is a digest.
head -c 32 /dev/zero >digest

sign() {
  local status=0 by=
  rm -f signature
  tool --sign --mechanism ECDSA --signature-format openssl "$@" --input-file digest --output-file signature >/dev/null 2>&1 || status=$?
  if [ "$status" -eq 0 ]; then
    for name in one two; do
      ! openssl pkeyutl -verify -pubin -inkey "$name.pem" -in digest -sigfile signature >/dev/null || by=", signed by $name"
    done
  fi
  echo "$*: exit $status$by"
}
{
  sign --label one
  sign --label two
  sign --label nobody
  sign --id 02
  sign --id 09
} | tee seen
# Which of the two is listed first is the token's own business: what counts is that all three labels say the same.
[ "$(grep -c '^--label .*: exit 0, signed by' seen)" -eq 3 ]
[ "$(sed -n 's/^--label .*signed by //p' seen | sort -u | wc -l)" -eq 1 ]
grep -qx -- '--id 02: exit 0, signed by two' seen
grep -qx -- '--id 09: exit 1' seen
