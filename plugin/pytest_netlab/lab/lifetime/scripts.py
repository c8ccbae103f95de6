"""The parts of a lab that are POSIX sh, so that they outlive this process.

The set-up that init runs before it waits (under `set -e`; all it makes ends with its
namespaces), the parent of each command of the lab, and the end of a lab. The arguments
are in the comments.
"""

from __future__ import annotations

# A file system of its own over /run, for the names of namespaces.
OWN_RUN = """
mount -t tmpfs -o mode=755 netlab /run
mkdir /run/netlab
mount -t proc proc /proc
"""

# A root of its own: the first argument, mostly /, with every write kept in memory.
# Without it dockerd leaves /opt/containerd and /etc/docker/key.json behind, and finds
# the machine's sockets.
# - /sys is fresh, so that /sys/class/net shows the lab's links; without securityfs
#   in it dockerd does not load its AppArmor profile into the machine's kernel;
# - /proc/sys is read-only but for net, which is the namespace's own (dockerd would
#   raise kernel.keys.root_maxkeys for the machine);
# - it is bound to a plain name, since overlay gives `:` and `,` in a path a meaning;
# - the other arguments are file systems that hold programs on PATH: an overlay does not
#   show what is mounted below its lower directory;
# - a chroot would not do: runc of engines from 28 on looks for the root of its mount
#   namespace.
OWN_ROOT = """
mount -t tmpfs -o mode=755 netlab /run
mkdir /run/lower /run/upper /run/work /run/root
mount --bind "$1" /run/lower
shift
layers=lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work
mount -t overlay -o "$layers" netlab /run/root
cd /run/root
mkdir -p proc sys dev run tmp
for place in "$@"; do
  mkdir -p ".$place"
  mount --bind -o ro "$place" ".$place"
done
mount -t proc proc proc
for key in proc/sys/*; do
  [ "$key" = proc/sys/net ] || mount --bind -o ro "$key" "$key"
done
mount -t sysfs sysfs sys
[ ! -d /sys/fs/cgroup ] || mount --rbind /sys/fs/cgroup sys/fs/cgroup
mount --rbind /dev dev
mount -t tmpfs -o mode=755 netlab run
mkdir run/netlab run/old
pivot_root . run/old
cd /
umount -l /run/old
rmdir /run/old
"""

# Links that send no packets of their own: no router solicitation, no duplicate address
# detection, no multicast report for an automatic link-local address. IPv6 stays
# enabled: an address that is added works.
_QUIET = """
cd /proc/sys/net
if [ -d ipv6/conf ]; then
  for scope in all default; do
    echo 0 >ipv6/conf/$scope/accept_ra
    echo 0 >ipv6/conf/$scope/autoconf
    echo 0 >ipv6/conf/$scope/router_solicitations
    echo 0 >ipv6/conf/$scope/accept_dad
  done
  echo 1 >ipv6/conf/default/addr_gen_mode
fi
cd /
"""

# The machines beyond the host. A new namespace starts with the machine's ip_forward,
# which a lab must not depend on. Only mounts keep these namespaces alive, so they end
# with the mount namespace.
BEYOND = f"""
for name in lan host01 host02; do
  : >"/run/netlab/$name"
  unshare --net="/run/netlab/$name" sh -ec '{_QUIET}
echo 0 >/proc/sys/net/ipv4/ip_forward
[ $0 = lan ] || echo 1 >/proc/sys/net/ipv4/tcp_ecn' "$name"
done
"""

PRIVATE = OWN_ROOT + _QUIET + BEYOND
KERNEL = OWN_RUN + _QUIET + BEYOND
HOST = OWN_RUN + BEYOND

# The parent of a lab's command; it stays outside the command's pid namespace. It must
# not stop when the command stops, as nsenter does (it sends itself the same SIGSTOP):
# only a parent can reap its child, and a pid namespace ends only when all its processes
# are reaped. So:
# - `setsid`: a command that stops its process group does not stop this one;
# - a subshell with `exec`: `kill` and `true` run as programs, not as shell builtins;
# - stderr is the command's only: the shell's messages ("Killed") are dropped.
REAPER = """
exec 3>&2 2>/dev/null
(exec 2>&3 3>&-; exec setsid -- "$@")
exit $?
"""

# Stands on PATH for a program of the lab's root; PID and PROGRAM are replaced. Files to
# be read are opened before: the caller sees the machine's, which that root lacks.
TOOL = """#!/bin/sh
case PROGRAM in
  */nft | *-restore)
    left=$# before= fd=2
    while [ "$left" -gt 0 ]; do
      word=$1 named=
      shift
      left=$((left - 1))
      case $before:$word in -f:* | --file:* | *:*/*) named=yes ;; esac
      before=$word
      if [ "$named" ] && [ -f "$word" ] && [ "$fd" -lt 9 ]; then
        fd=$((fd + 1))
        eval "exec $fd<\\"\\$word\\""
        word=/proc/self/fd/$fd
      fi
      set -- "$@" "$word"
    done ;;
esac
exec nsenter --target PID --mount -- PROGRAM "$@"
"""
NO_TOOL = """#!/bin/sh
echo 'no program PROGRAM in the root that the engine is from: install it there' >&2
exit 127
"""

# Ends what carries the owner's token $1, below the cgroup file systems in $2, in at
# most $3 hundredths of a second, and spares the processes $4; fails if something is
# left then, or if it could not look.
# - It reads the clock: how long a round takes depends on the machine's load.
# - Process 1 of the lab's namespaces carries the mark, and takes all in them with it.
# - unshare ends by itself when it has reaped process 1, which proves that all is gone:
#   for half of the time it only gets SIGCONT, in case it is stopped.
# - A supervisor does this same work: it only gets SIGCONT until nothing else is left.
# - A grep without -z cannot look (blind=1). Status 2 only means that a process ended
#   meanwhile; above 2, the processes did not fit in its arguments: look again.
# - A frozen process dies only when it is thawed (cgroup v1), at every level.
# - A cgroup is busy until the last process in it is reaped, hence the rounds.
# - 0 in cgroup.procs is a process of a pid namespace that cannot be seen from here; for
#   `kill` it means the shell's own process group.
_END = """
clock() {
  read -r now _ </proc/uptime
  now=${now%.*}${now#*.}
}
end() {
  clock
  over=$((now + $3)) half=$((now + $3 / 2)) blind=0
  printf 'x\\0' | grep -qzxF x || blind=1
  while :; do
    busy= helpers=
    paths=$(grep -lzxF "PYTEST_NETLAB_OWNER=$1" /proc/[0-9]*/environ)
    [ $? -le 2 ] || busy=yes
    for path in $paths; do
      pid=${path#/proc/}
      pid=${pid%/environ}
      case " $$ $4 " in *" $pid "*) continue ;; esac
      signal=KILL
      read -r name <"/proc/$pid/comm"
      [ "$name" != unshare ] || [ "$now" -ge "$half" ] || signal=CONT
      if grep -qzxF netlab-supervisor "/proc/$pid/cmdline"; then
        signal=CONT helpers="$helpers $pid"
      else
        busy=yes
      fi
      kill -"$signal" "$pid"
    done
    own=$(find "$2/pytest-netlab-$1" "$2"/*/"pytest-netlab-$1" -depth -type d)
    for cgroup in $own; do
      while read -r pid; do
        [ "$pid" -le 1 ] || kill -KILL "$pid"
      done <"$cgroup/cgroup.procs"
      [ ! -e "$cgroup/freezer.state" ] || echo THAWED >"$cgroup/freezer.state"
      [ ! -e "$cgroup/cgroup.freeze" ] || echo 0 >"$cgroup/cgroup.freeze"
    done
    [ -z "$own" ] || rmdir $own || busy=yes
    [ -n "$busy$helpers" ] || return "$blind"
    [ -n "$busy" ] || kill -KILL $helpers
    clock
    [ "$now" -lt "$over" ] || return 1
    sleep 0.02
  done
} 2>/dev/null
"""
# It carries the mark itself, so that it is found if it is stopped; its children do not.
SUPERVISOR = (
    _END
    + """
trap '' HUP INT TERM
unset PYTEST_NETLAB_OWNER
read -r _ || :
end "$@"
"""
)
END = _END + 'end "$@"\n'
