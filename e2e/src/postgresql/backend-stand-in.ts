/** Returns a shell script that answers what hooks ask of the backend, from files in `folder`. */
export function backendStandIn(folder: string): string {
  return `#!/bin/sh
case $1 in
  claim)
    shift; [ "$1" != --lease ] || shift
    printf %s "$2" >"${folder}/.$$" && ln "${folder}/.$$" "${folder}/$1" 2>/dev/null
    rm -f "${folder}/.$$"; cat "${folder}/$1" ;;
  put)
    [ -e "$MSDHA_RUN_DIR/is_master" ] || { echo "only the master may put a value" >&2; exit 1; }
    if rm "${folder}/unanswered" 2>/dev/null; then
      printf '%s\\n' "$2" "$(wc -c <"${folder}/puts-$2")" "$3" >"${folder}/.pending" && mv "${folder}/.pending" "${folder}/pending"
      echo "etcd does not answer" >&2; exit 1
    fi
    printf . >>"${folder}/puts-$2"
    printf %s "$3" >"${folder}/.$$" && mv "${folder}/.$$" "${folder}/value-$2" ;;
  get) cat "${folder}/value-$2" 2>/dev/null || { echo "the group has no value $2" >&2; exit 1; } ;;
  nodes) cat "${folder}/nodes" ;;
  view) cat "${folder}/view" ;;
esac\n`;
}
