#!/bin/sh
# keep-on.sh RUN_DIR: asks the helper of a master for one round after the other, as long as the node is the master. A round that fails,
# or a helper that has ended, is begun again. The helper starts it when a node was promoted, and does not end it.
here=${0%/*} run_dir=$1
for guard in "$here"/linux-*/msdha-guard; do [ ! -x "$guard" ] || break; done
while [ -e "$run_dir/is_master" ]; do
  "$guard" --call-or "$here/ask-helper.sh" msdha-postgresql "$run_dir/postgresql.sock" keep || sleep 1
done
