#!/bin/sh
# Makes two nodes that know each other, for trying things out on one machine.
#   setup.sh BANK_FOLDER BANK_ADDRESS SHOP_FOLDER SHOP_ADDRESS
# ENTENTE: the command line, default `entente`. OWNER: user:group that the folders are given to.
# SAMPLES, DATA: folders with the sample policies and tables, default beside this script.
set -eu

here=$(dirname "$0")
entente=${ENTENTE:-entente}
samples=${SAMPLES:-$here/samples}
data=${DATA:-$here/data}
bank=$1 bank_address=$2 shop=$3 shop_address=$4

# A folder is complete once it has this file.
if [ -e "$bank/ready" ] && [ -e "$shop/ready" ]; then
  echo 'both nodes are there'
  exit 0
fi

# make FOLDER NAME ADDRESS TABLE
make() {
  folder=$1 name=$2 address=$3 table=$4
  # An interrupted setup leaves parts behind; a volume's own folder cannot be removed.
  find "$folder" -mindepth 1 -delete 2>/dev/null || true
  $entente init "$folder" --name "$name" --grpc "0.0.0.0:${address##*:}" --http 0.0.0.0:7480 --allow-plaintext
  cp "$samples/policy.$name.yaml" "$folder/policy.yaml"
  cp "$data/$table" "$folder/data/"
}

make "$bank" bank "$bank_address" default_credit_hetero_guest.csv
make "$shop" shop "$shop_address" default_credit_hetero_host.csv
$entente peer add shop "$shop_address" --certificate "$shop/identity/identity.crt" --config "$bank/entente.yaml"
$entente peer add bank "$bank_address" --certificate "$bank/identity/identity.crt" --config "$shop/entente.yaml"
for folder in "$bank" "$shop"; do
  (
    umask 077
    $entente --json token create --role coordinator --config "$folder/entente.yaml" > "$folder/coordinator.json"
  )
  if [ -n "${OWNER:-}" ]; then chown -R "$OWNER" "$folder"; fi
  : > "$folder/ready"
done
echo "tokens are in $bank/coordinator.json and $shop/coordinator.json"
