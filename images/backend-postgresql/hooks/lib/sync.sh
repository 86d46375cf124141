# shellcheck shell=sh disable=SC2154 # what the other files here set
# MSDHA_PG_SYNC=preferred|strict: who may be promoted without losing a commit that was acknowledged. What the group knows
# of it, the record, is one line:
#
#   sync TOKEN MASTER [STANDBY ...]   Every commit acknowledged so far is on MASTER and on one of the STANDBYs at least.
#                                     No STANDBY: on MASTER alone, and it acknowledges none.
#   async TOKEN MASTER                There may be commits that only MASTER has.
#
# The master alone writes it, guarded by its fencing token. docs/postgresql-sync.md has the argument. Needs follow.sh and
# position.sh.

# What the master writes into its data before it begins: these are the data of that master.
master_mark=$data/msdha.master
member=$(member_of "$name")

# read_record sets $record_kind (sync, async or none), $record_token, $record_master and $record_standbys.
read_record() {
  if ! record=$(msdha-backend get postgresql-sync 2>&1); then
    case $record in
      *"has no value"*) record='none - -' ;;
      *) fail "can't read who may be promoted: $record" ;;
    esac
  fi
  read -r record_kind record_token record_master record_standbys <<END
$record
END
}

# put_record KIND [STANDBY ...]
put_record() {
  record_kind=$1
  shift
  record_standbys=$*
  msdha-backend put postgresql-sync "$record_kind $MSDHA_FENCING_TOKEN $member${record_standbys:+ $record_standbys}"
}

# wait_for_standbys KIND [STANDBY ...] has the server acknowledge a commit when one of them has it on its disk; where there
# is none, when KIND is sync, never, and when it is async, at once. Returns when every process that the server starts
# from now on knows it.
#
# A commit that waits is let go when a standby of the list says how far it is. One that has said so before it was in the
# list would say so again only after half of wal_sender_timeout, or when there is something new: so there is something new.
wait_for_standbys() {
  something_new=NULL
  [ "$1" = async ] || [ $# = 1 ] || something_new="pg_logical_emit_message(true, 'msdha', '')"
  set_standbys "$@"
  left=100
  # The message's own commit does not wait.
  until [ "$(local_sql "SET synchronous_commit = local; SELECT 'knows' FROM (SELECT CASE
      WHEN current_setting('synchronous_standby_names') = '$names' THEN coalesce($something_new, '0/0') END) AS a (at)
      WHERE at IS NOT NULL" 2>/dev/null)" = knows ]; do
    [ $((left -= 1)) -gt 0 ] || {
      say "$standbys_overridden"
      return 1
    }
    sleep 0.02
  done
}
standbys_overridden="synchronous_standby_names is not what the hooks set: it must not be set anywhere else"

# set_standbys KIND [STANDBY ...] tells the server, and sets $names to what it should then say itself.
set_standbys() {
  if [ "$1" = async ]; then
    names=
  else
    shift
    standby_names "$@"
  fi
  write_lines "$sync_settings" "synchronous_standby_names = '$names'"
  reload
}

# let_go has this standby receive nothing more from the master that it followed, so that a master that only seems to be
# gone can't have a commit acknowledged here any more.
let_go() {
  (
    flock 9
    ! current_master || exit 1
    follow_nobody
  ) 9>>"$home/follow.lock" || fail "there is a master"
}

# has_every_acknowledged_commit fails, and says why, unless this node has whatever any master has acknowledged. Sets $rank,
# and $as_far to the standbys of the record that have all that it has, and nothing more.
has_every_acknowledged_commit() {
  as_far='' others='' asked=''
  read_record
  case $record_kind in
    none | async) ;;
    *) find_others ;;
  esac
  [ -z "$others" ] || nodes=$(msdha-backend nodes)
  for other in $others; do
    (hear "$other" >"$home/heard-$other") &
    asked="$asked $!"
  done
  own_position
  left=40
  until [ "$free" = t ]; do
    [ $((left -= 1)) -gt 0 ] || fail "still connected to a former master"
    sleep 0.02
    own_position
  done
  for process in $asked; do wait "$process" || exit 1; done
  for other in $others; do compare_with "$other"; done
}

# find_others sets $others to the standbys of the record that have to be heard.
find_others() {
  as_postgres test ! -e "$incomplete_mark" || fail "the data are from an archive, which may lack what was acknowledged"
  [ "$(as_postgres cat "$master_mark" 2>/dev/null)" != "$record_master $record_token" ] ||
    [ "$record_master" != "$member" ] || return 0
  case " $record_standbys " in
    *" $member "*) ;;
    *) fail "was not in sync with $record_master (in sync: ${record_standbys:-nobody})" ;;
  esac
  for other in $record_standbys; do
    [ "$other" = "$member" ] || others="$others $other"
  done
}

# hear MEMBER prints what that other standby has on its disk: its timeline and how many bytes. Fails unless it is known and
# the standby can't get any more.
hear() {
  other_address=$(address_of "$1") || fail "can't tell what $1 has, which was in sync too: the node is not there"
  left=40
  until master_sql "$other_address" "$position_sql" && read_position "$answer" &&
    [ "$standby" = t ] && [ "$settled" = t ] && [ "$free" = t ]; do
    [ $((left -= 1)) -gt 0 ] || fail "can't tell what $1 has, which was in sync too"
    sleep 0.02
  done
  echo "$timeline $bytes"
}

# compare_with MEMBER fails when that one has more than this node.
compare_with() {
  read -r its_timeline its_bytes <"$home/heard-$1"
  [ "$timeline" = "$its_timeline" ] || {
    [ "$timeline" -gt "$its_timeline" ] || fail "$1 has received more"
    return 0
  }
  [ "$bytes" -ge "$its_bytes" ] || fail "$1 has received more"
  [ "$bytes" != "$its_bytes" ] || as_far="$as_far${as_far:+ }$1"
}

# note_heard keeps what was found out; heard_already sets the same variables again, and $rank, if it still is so: nobody
# has been the master since, or the record would be another, and this node has followed nobody, so neither it nor any that
# it has heard has got anything more.
note_heard() { write_lines "$heard_file" "$rank" "$record" "$as_far"; }

heard_already() {
  ! current_master && [ -z "$(followed)" ] && read_heard || return 1
  read_record
  [ "$record" = "$heard_record" ]
}

# read_heard sets $rank, $heard_record and $as_far.
read_heard() {
  rank='' heard_record='' as_far=''
  noted=$(as_postgres cat "$heard_file" 2>/dev/null) || return 1
  { read -r rank && read -r heard_record && read -r as_far; } <<END
$noted

END
}

# address_of MEMBER prints where the node is reached; $nodes is what msdha-backend said.
address_of() {
  while read -r node_name _ node_address; do
    [ "$(member_of "$node_name")" != "$1" ] || {
      printf '%s\n' "$node_address"
      return 0
    }
  done <<END
$nodes
END
  return 1
}
