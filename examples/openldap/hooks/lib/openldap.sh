# shellcheck shell=sh disable=SC2034 # for the hooks
# What the OpenLDAP hooks share; sourced by them.
. msdha-hooks.sh

PORT=${LDAP_PORT:-1389}
FOLDER=${LDAP_DIR:-/var/lib/ldap}
DATA=$FOLDER/data
NOTE=$DATA/msdha-history
# Says that these data may have what the group has not: written by a master, removed when all others have everything.
AHEAD=$DATA/msdha-ahead
# Says that these data have parted from the group's, and are to be put aside.
PARTED=$FOLDER/parted
CONFIG=$MSDHA_RUN_DIR/slapd.d
# How far this node was as the master when alive ran last.
EARLIER=$MSDHA_RUN_DIR/ldap-position
# The administrator's password, in a file for the clients.
PASSWORD=$MSDHA_RUN_DIR/ldap-password
# The socket's path as a part of a URL. Whoever may open it is asked for no password.
SOCKET=ldapi://$(printf '%s' "$MSDHA_RUN_DIR/ldapi" | sed 's|%|%25|g; s|/|%2F|g; s| |%20|g')
SUFFIX=${LDAP_SUFFIX:-dc=example,dc=org}
ADMIN=cn=admin,$SUFFIX
DATABASE='olcDatabase={1}mdb,cn=config'
if [ -n "${LDAP_ADMIN_PASSWORD_FILE-}" ]; then LDAP_ADMIN_PASSWORD=$(cat "$LDAP_ADMIN_PASSWORD_FILE"); fi

# Asks the server of this node as the user of the operating system, and changes its configuration.
search_here() { timeout "${LDAP_TIMEOUT:-5}" ldapsearch -QLLL -o ldif-wrap=no -Y EXTERNAL -H "$SOCKET" "$@"; }
configure() { timeout 20 ldapmodify -Q -Y EXTERNAL -H "$SOCKET" >/dev/null; }

is_answering() { search_here -s base -b '' 1.1 >/dev/null 2>&1; }

# Changes the data as the administrator.
as_admin() { timeout 20 ldapmodify -x -D "$ADMIN" -y "$PASSWORD" -H "$SOCKET" >/dev/null; }

# encode TEXT prints it in base64, as one line: any text may stand in an LDIF that way.
encode() { printf '%s' "$1" | base64 -w 0; }

# position prints how far this node is: for each server that has written, its last change, such as
# 20260101000000.000000Z#000000#001#000000. position_at ADDRESS prints the same of another node.
position() { search_here -s base -b "$SUFFIX" contextCSN 2>/dev/null | sed -n 's/^contextCSN: //p'; }
position_at() {
  timeout 2 ldapsearch -x -LLL -o nettimeout=2 -o ldif-wrap=no -D "$ADMIN" -y "$PASSWORD" -H "ldap://$1:$PORT" \
    -s base -b "$SUFFIX" contextCSN 2>/dev/null | sed -n 's/^contextCSN: //p'
}

# consumer ATTRIBUTE prints what the server says of its replication, or nothing.
consumer() { search_here -b 'cn=Database 1,cn=Databases,cn=Monitor' '(objectClass=olmSyncReplInstance)' "$1" 2>/dev/null | sed -n "s/^$1: //p"; }

# received prints, as a position, the last changes that the master has sent to this run of the server; nothing where that is not known.
received() { consumer olmSRLastCookieRcvd | sed -n 's/^.*csn=\([^,]*\).*/\1/p' | tr ';' '\n'; }

# covers A B: whether position A has all that position B has: for each server of B, the same change or a later one.
covers() {
  printf '%s\n=\n%s\n' "$1" "$2" | awk -F'#' '
    $0 == "=" { second = 1; next }
    $0 == "" { next }
    !second { has[$3] = $0; next }
    $0 > has[$3] { missing = 1 }
    END { exit missing }'
}

# rank POSITION prints the time of the last change of all as a number: a new master writes nothing before it is later.
rank() { printf '%s\n' "$1" | sed 's/#.*//; s/[.Z]//g' | sort -n | tail -n 1; }

# provider prints the address that this node replicates from, or nothing.
provider() {
  search_here -s base -b "$DATABASE" olcSyncrepl 2>/dev/null | {
    read -r name value || exit 0
    while [ "$name" = dn: ]; do read -r name value || exit 0; done
    # What is not plain ASCII comes as base64, such as a password.
    if [ "$name" = olcSyncrepl:: ]; then printf '%s' "$value" | base64 -d; else printf '%s' "$value"; fi
  } | sed -n 's/^.* provider=ldap:\/\/\([^ ]*\):[0-9]* .*/\1/p'
}

# replicate_from ADDRESS: replicates from there, where these data have nothing that those there lack. That is not known as long as the
# server there can't be asked. Else it notes that they are to be put aside, which the node's next start does.
replicate_from() {
  if [ "$(provider)" = "$1" ]; then return; fi
  theirs=$(position_at "$1")
  [ -n "$theirs" ] || return 1
  if [ -e "$AHEAD" ] || ! covers "$theirs" "$(position)"; then
    say "these data may have what those of the master at $1 lack: they are put aside, and copied anew"
    touch "$PARTED"
    return 1
  fi
  value="{0}rid=001 provider=ldap://$1:$PORT bindmethod=simple binddn=\"$ADMIN\" credentials=\"$LDAP_ADMIN_PASSWORD\""
  value="$value searchbase=\"$SUFFIX\" type=refreshAndPersist retry=\"1 +\" timeout=5 network-timeout=2 keepalive=5:3:2"
  printf 'dn: %s\nchangetype: modify\nreplace: olcSyncrepl\nolcSyncrepl:: %s\n' "$DATABASE" "$(encode "$value")" | configure
}

# is_synced ADDRESS: whether this node follows the server there, and has all that it has.
is_synced() {
  theirs=$(position_at "$1")
  [ -n "$theirs" ] && [ "$(provider)" = "$1" ] && covers "$(position)" "$theirs"
}

# ask_who_has POSITION prints a line for each node that could take over: whether it has all of that (yes or no), and its rank. All are
# asked at the same time.
ask_who_has() {
  for address in $(ready_nodes); do
    (
      theirs=$(position_at "$address") || :
      if covers "$theirs" "$1"; then echo "yes $(rank "$theirs")"; else echo "no $(rank "$theirs")"; fi
    ) &
  done
  wait
}

# note_lead: on the master. Where a node that could take over lacks what there was at the last run, it gets nothing, or can't apply it,
# or is slow. The group knows then how far those that apply are; or how far this node is, if none of them has got any further.
note_lead() {
  now=$(position)
  earlier=$(sed 1d "$EARLIER" 2>/dev/null) || :
  furthest_then=$(sed -n 1p "$EARLIER" 2>/dev/null) || :
  answers=$(ask_who_has "$earlier")
  furthest=$(printf '%s\n' "$answers" | sed 's/.* //' | sort -n | tail -n 1)
  printf '%s\n' "${furthest:-0}" "$now" >"$EARLIER"
  case $answers in
    *yes*no* | *no*yes*) note_end "$NOTE" "$(rank "$earlier")" ;;
    *yes*) ;;
    *) if is_greater "${furthest:-0}" "${furthest_then:-0}"; then note_end "$NOTE" "$furthest"; else note_end "$NOTE" "$(rank "$now")"; fi ;;
  esac
}

read_only() { printf 'dn: %s\nchangetype: modify\nreplace: olcReadOnly\nolcReadOnly: %s\n' "$DATABASE" "$1" | configure; }
