#!/usr/bin/env bash
# Make this checkout able to run: system commands first, then .venv.
#
# Uses the machine's own package manager and pip settings and names no mirror and
# no index. Running it again is free: with nothing to do it only looks.
set -euo pipefail

# Debian's su keeps /usr/sbin off PATH, where dockerd and iptables live.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

# What must be on PATH, and the Debian package that brings it.
readonly commands=(
  dockerd:docker.io containerd:containerd runc:runc
  iptables:iptables nft:nftables conntrack:conntrack
  tcpdump:tcpdump tshark:tshark ethtool:ethtool
  ip:iproute2 ping:iputils-ping curl:curl
  nsenter:util-linux unshare:util-linux mount:mount
  git:git make:make mmdebstrap:mmdebstrap
)

readonly policy=/usr/sbin/policy-rc.d
readonly policy_mark='# written by the set-up of pytest-netlab'
readonly stamp=.venv/setup.stamp

# Prints the interpreter behind any shim or venv (a venv made from a venv dies with
# it), its version, what tells it from others, and which of its packages are absent.
readonly about_python='
import importlib.util, os, sys, sysconfig
assert sys.version_info >= (3, 11)
print(sys._base_executable)
print("%d.%d" % sys.version_info[:2])
print(sys.version.replace("\n", " "), sys.base_prefix)
print(importlib.util.find_spec("ensurepip") is None)
print(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))
'

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$@" >&2; exit 1; }

# Shows what a command printed only if it fails.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" </dev/null >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    rm -f "$log"
    die "failed: $*"
  fi
  rm -f "$log"
}

# --- what is missing ---------------------------------------------------------

# Sets `missing` to what:package entries, and `python` and `identity`.
look() {
  local entry
  missing=()
  for entry in "${commands[@]}"; do
    command -v "${entry%%:*}" >/dev/null || missing+=("$entry")
  done
  # The lab image is this one file: a dynamic busybox starts in no container.
  is_static busybox || missing+=("static busybox:busybox-static")
  [ -e /etc/ssl/certs/ca-certificates.crt ] || [ -e /etc/pki/tls/certs ] ||
    missing+=("CA certificates:ca-certificates")
  look_for_python
}

is_static() {
  local file said
  file=$(command -v "$1") || return 1
  # ldd fails on the very files looked for: its word counts, not its exit code.
  said=$(LC_ALL=C ldd "$file" 2>&1) || :
  [[ $said =~ 'not a dynamic executable'|'statically linked' ]]
}

look_for_python() {
  local name lines=() version package
  python=''
  for name in python3 python3.13 python3.12 python3.11; do
    mapfile -t lines < <("$name" -c "$about_python" 2>/dev/null)
    [ "${#lines[@]}" -ne 5 ] || break
  done
  if [ "${#lines[@]}" -eq 5 ]; then
    python=${lines[0]} version=${lines[1]} identity=${lines[2]}
    package=python$version
  else
    # An old distribution may carry a newer Python beside its python3.
    package=python3
    ! command -v python3 >/dev/null || package=python3.11
    missing+=("Python 3.11 or newer:$package")
    lines=('' '' '' True True)
  fi
  [ "${lines[3]}" = False ] || missing+=("Python's venv module:$package-venv")
  compiles || return 0
  [ "${lines[4]}" = False ] || missing+=("Python's headers:$package-dev")
  command -v gcc >/dev/null || missing+=("gcc:gcc" "C headers:libc6-dev")
}

# The extension is optional; without Cython in the build nothing needs a compiler.
compiles() { grep -qi '"cython' pyproject.toml; }

# --- system packages ---------------------------------------------------------

install_missing() {
  local packages
  mapfile -t packages < <(printf '%s\n' "${missing[@]##*:}" | sort -u)
  if ! command -v apt-get >/dev/null; then
    die "install these (Debian calls their packages so); this machine has no apt-get:" \
      "${missing[@]/:/: }"
  fi
  [ "$(id -u)" -eq 0 ] || die "this machine lacks packages; as root, run" \
    "sudo apt-get update" \
    "sudo apt-get install --no-install-recommends ${packages[*]}"

  keep_services_stopped
  say "installing ${packages[*]}"
  # Once a run, and only when something is to be installed.
  [ -n "${updated:-}" ] || apt_get update
  updated=yes
  # busybox-static takes the place of busybox; nothing else may remove anything.
  local rest=("${packages[@]/#busybox-static/}")
  mapfile -t rest < <(printf '%s\n' "${rest[@]}" | sed '/^$/d')
  [ "${#rest[@]}" -eq 0 ] || apt_get install --no-remove "${rest[@]}"
  [ "${#rest[@]}" -eq "${#packages[@]}" ] || apt_get install busybox-static
  leave_docker_disabled
}

# needrestart would restart services of the machine; apt may be busy for a while on
# a machine that has just booted (unattended-upgrades).
apt_get() {
  quietly env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
    apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    "$1" --yes --no-install-recommends "${@:2}"
}

# docker.io starts a dockerd on installation, which rewrites the machine's firewall.
# 101 is the policy layer's word for "action forbidden"; the machine's own policy, if
# it has one, stays.
keep_services_stopped() {
  local unit
  new_units=()
  for unit in docker.service docker.socket containerd.service; do
    [ -e "/lib/systemd/system/$unit" ] || new_units+=("$unit")
  done
  if [ ! -e "$policy" ] || grep -qF "$policy_mark" "$policy"; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$policy"
    chmod 755 "$policy"
  fi
}

# It would otherwise start with the next boot. Only what this run brought is touched.
leave_docker_disabled() {
  local unit
  command -v systemctl >/dev/null || return 0
  for unit in "${new_units[@]}"; do
    [ -e "/lib/systemd/system/$unit" ] || continue
    systemctl disable --quiet "$unit" 2>/dev/null || continue
    say "left $unit disabled: the lab starts a dockerd of its own"
  done
}

# --- .venv -------------------------------------------------------------------

# Everything an installation is made from. A compiled module's source belongs to it:
# the import system prefers the extension, however old.
wanted_stamp() {
  local inputs=(pyproject.toml tools/setup.sh) declared
  [ ! -e setup.py ] || inputs+=(setup.py)
  while read -r declared; do
    inputs+=("$declared" "${declared%.pxd}.py")
  done < <(find plugin -name '*.pxd' | sort)
  printf '%s\n%s\n' "$PWD" "$identity"
  cat "${inputs[@]}" 2>/dev/null | sha256sum
}

# Made here, by this Python, and still working.
venv_is_good() {
  local lines
  mapfile -t lines < <(.venv/bin/python -c "import pip; $about_python" 2>/dev/null)
  [ "${lines[2]:-}" = "$identity" ] && grep -qsF "$PWD/.venv/bin/python" .venv/bin/pip
}

install_venv() {
  # Python packages outlive an interrupted installation; the stamp must not.
  rm -f "$stamp"
  if ! venv_is_good; then
    say "making .venv with $python"
    "$python" -m venv --clear .venv
    # Dependency groups need pip 25.1.
    pip_install --upgrade 'pip>=25.1'
  fi
  say 'installing the Python packages (a minute or so)'
  pip_install --editable . --group dev
  wanted_stamp >"$stamp"
}

pip_install() {
  quietly env PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    .venv/bin/python -m pip --no-input install "$@"
}

# --- the run -----------------------------------------------------------------

nothing_to_do() {
  [ "${#missing[@]}" -eq 0 ] && [ "$(cat "$stamp" 2>/dev/null)" = "$(wanted_stamp)" ] &&
    venv_is_good
}

main() {
  cd -P "$(dirname "${BASH_SOURCE[0]}")/.."
  look
  if nothing_to_do; then
    say 'nothing to do'
    return
  fi

  # Two at once would write one .venv. The lock is on this file: it leaves none behind.
  exec 9<tools/setup.sh
  flock 9
  look
  # Once more if that changes what is asked for: python3 may turn out too old.
  local before=''
  while [ "${#missing[@]}" -gt 0 ] && [ "${missing[*]}" != "$before" ]; do
    before=${missing[*]}
    install_missing
    look
  done
  [ "${#missing[@]}" -eq 0 ] || die 'still missing after installation:' "${missing[@]%%:*}"
  nothing_to_do || install_venv
  say "done in $SECONDS s"
}

main
