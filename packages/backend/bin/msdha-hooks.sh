# shellcheck shell=sh
# Helpers for hooks that are written in shell: `. msdha-hooks.sh` finds this file on a hook's PATH. docs/hooks.md explains them.

# say TEXT prints a line for the node's log.
say() { printf '%s\n' "$*" >&2; }

# say_once TEXT prints it unless it was the last one printed so: for loops that wait.
say_once() { [ "${said-}" = "$*" ] || say "$*"; said=$*; }

# write_whole FILE writes the standard input to FILE. After a crash the file has the old text or the new one. Hooks that run
# beside each other write one after the other.
write_whole() { (flock 9 && cat >"$1.new" && sync "$1.new" && mv "$1.new" "$1") 9>"$1.lock"; }

# exclusively COMMAND runs a command, or a function of yours, while no other hook of this node runs one so.
exclusively() {
  (
    flock 9 || exit
    "$@"
  ) 9>"$MSDHA_RUN_DIR/hooks.lock"
}

# follow_master COMMAND runs COMMAND ADDRESS, exclusively, with the address of the node that is the master now; nothing where
# there is none. Nor where the `master` hook of this node has begun: one that promotes exclusively is not undone by a
# node_state_change that came late.
follow_master() { exclusively follow_present_master "$@"; }
follow_present_master() {
  if [ -e "$MSDHA_RUN_DIR/is_master" ]; then return 0; fi
  present=$(master_address)
  [ -z "$present" ] || "$@" "$present"
}

# master_address prints where the present master is reached, or nothing.
master_address() { cat "$MSDHA_RUN_DIR/current_master_address"; }

# another_is_master "$@": for node_state_change. Whether another node has become master, and is it still.
another_is_master() { [ "$3" = master ] && [ -n "$MSDHA_MASTER_ADDRESS" ] && [ "$MSDHA_MASTER" != "$MSDHA_NAME" ]; }

# group_value KEY prints a value that a master has put, or nothing where there is none. Fails when etcd can't be asked: a
# node that took this for "none" could take an old group for a new one.
group_value() {
  answer=$(msdha-backend get "$1" 2>&1) && { printf '%s\n' "$answer"; return 0; }
  [ $? = 2 ] || { say "$answer"; return 1; }
}

# A history is what one master has written, after what it had at its promotion. Its name is the master's fencing token. A
# node notes in a file, which belongs into its data, of which history these are. NOTE is the path of that file.

# begin_history NOTE: for the master hook, before the program takes writes. Until the group knows the new history, the node
# has both names: its data are of the former one as well, should it end here.
begin_history() {
  { echo "$MSDHA_FENCING_TOKEN" && cat "$1" 2>/dev/null || :; } | write_whole "$1" &&
    msdha-backend put history "$MSDHA_FENCING_TOKEN" &&
    echo "$MSDHA_FENCING_TOKEN" | write_whole "$1"
}

# join_history NOTE [HISTORY]: for a node that has everything that the master has. HISTORY is what `group_value history` has
# printed before that was asked; default: what it prints now.
join_history() {
  history=${2-$(group_value history)} || return 1
  [ -n "$history" ] || return 0
  [ "$history" = "$(cat "$1" 2>/dev/null)" ] || echo "$history" | write_whole "$1"
}

# may_be_master NOTE: for the candidate hook. Whether the data are of the group's last history, or the group is new. Or an operator
# has ordered this node's promotion, whatever is lost (msdha promote).
may_be_master() {
  ! accepts_loss "" || { say "may be master by an operator's order, though data may be lost"; return 0; }
  history=$(group_value history) || { say "the group's history can't be read"; return 1; }
  [ -z "$history" ] || grep -qsx "$history" "$1"
}

# accepts_loss [VALUE]: whether an operator has ordered this node's promotion, whatever is lost, or VALUE is `yes`.
accepts_loss() { [ "${1-}" = yes ] || [ "${MSDHA_ACCEPT_LOSS-}" = 1 ]; }

# note_end NOTE POSITION: on the master, when it is stopped in order, or while no other node has its data. The group knows then how
# far this history goes. Nothing where `begin_history` has not ended. A POSITION is a whole number; NOTE may be `-`: the standard input.
note_end() { [ "$(cat "$1" 2>/dev/null)" != "$MSDHA_FENCING_TOKEN" ] || msdha-backend put end "$MSDHA_FENCING_TOKEN $2"; }

# lacks_end NOTE POSITION: for the candidate hook. Whether data that go to POSITION lack what the last master is known to have
# written, which may be as far as that has noted; or that can't be asked.
lacks_end() {
  end=$(group_value end </dev/null) || return 0
  [ -n "$end" ] && grep -sx "${end%% *}" "$1" >/dev/null && is_greater "${end#* }" "$2" || return 1
  say "these data end at $2, and the last master was at ${end#* }: waiting for a node that has all; msdha promote lets this node be master all the same"
}

# is_greater A B compares two whole numbers of any length.
is_greater() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(length(a) > length(b) || length(a) == length(b) && (a "") > (b "")) }'; }

# ready_nodes prints the addresses of the other nodes that could take over.
ready_nodes() { msdha-backend nodes | awk -v me="$MSDHA_NAME" '$1 != me && $2 == "ready" { print $3 }'; }

# begins_group: whether the group is new, and this node the one that makes its first data.
begins_group() {
  history=$(group_value history) || return 1
  [ -z "$history" ] && [ "$(msdha-backend claim first "$MSDHA_NAME")" = "$MSDHA_NAME" ]
}

# wait_for_data NOTE: for running_not_ready. Returns when this node has the group's data: as far as the master, or its own where
# there is no master. Where no node has data yet, one of them returns, to begin the group. It calls two functions of yours:
# follow ADDRESS, again and again, and is_synced ADDRESS.
wait_for_data() {
  while :; do
    master=$(master_address)
    if [ -n "$master" ]; then
      # Read first: should the master change meanwhile, this is the history of the one that the node was synced with. A new
      # group has none before its first master takes writes.
      latest=$(group_value history) || latest=
      if [ -n "$latest" ] && follow "$master" && is_synced "$master" && join_history "$1" "$latest"; then return 0; fi
      say_once "waiting to be as far as the master at $master"
    elif [ -s "$1" ]; then
      return 0 # Whether these data are the newest is the candidate hook's question.
    elif begins_group; then
      return 0
    else
      say_once "no data yet: waiting for a master to copy them from"
    fi
    sleep 0.2
  done
}
