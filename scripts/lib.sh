# Shared by the scripts beside it; sourced, not run. It decides where caches live and how to say what is missing.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Outside the checkout, so that a fresh clone finds what an earlier one installed.
cache=${LANDFALL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/landfall}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }

# die THING REMEDY: ends the script, naming what is missing and how to get it.
die() {
  printf 'Missing: %s\n  %s\n' "$1" "$2" >&2
  exit 1
}

# apt_or_die COMMAND PACKAGE... : installs Debian packages as root, elsewhere names them.
apt_or_die() {
  local thing=$1
  shift
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "Installing $* with apt"
    # The list of packages may be absent or stale on a fresh machine.
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
  else
    die "$thing" "Install it (on Debian, as root: apt-get install $*), then run this again."
  fi
}
