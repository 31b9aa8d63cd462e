#!/bin/sh
# NovaCron from nothing to a running VM: `deploy/demo.sh VENV DATA`. Leaves NovaCron running.
set -eu

venv=$1
data=$2
novacron="$venv/bin/novacron"
NOVACRON_HOME=$data
export NOVACRON_HOME

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

say "NovaCron comes up"
"$novacron" status --data-dir "$data" >/dev/null 2>&1 || "$novacron" up --detach --data-dir "$data"

say "The first VM, through the saga"
name=demo-$(date +%H%M%S)
"$novacron" login
"$novacron" vm create "$name" --cpu 1 --memory 128 --disk 1 --image novacron-guest --tag made-by=demo

say "The node, the VM, its saga"
"$novacron" node list
"$novacron" vm show "$name"
vm=$("$novacron" vm show "$name" --output json | "$venv/bin/python" -c 'import json, sys; print(json.load(sys.stdin)["vm_id"])')
"$novacron" saga show "$vm"

say "What the guest says on its console"
"$venv/bin/python" -m novacron_local.await_guest "$novacron" "$vm"

say "What monitoring knows of it"
"$novacron" metrics show "$name"

say "NovaCron is running: \`$novacron --help\` teaches, \`$novacron down\` stops it"
"$novacron" status --data-dir "$data"
