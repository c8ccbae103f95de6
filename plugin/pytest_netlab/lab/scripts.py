"""What process 1 of a lab's namespaces does before it waits: shell, and only mounts.

Each script is POSIX sh under `set -e`; the arguments are in the comments.
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
# - it is bound to a plain name: a `:` or `,` in a path has a meaning to overlay;
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

# Links that bring no packets of their own: no router solicitation, no duplicate address
# detection, no multicast report for a link-local address nobody asked for. IPv6 itself
# stays: an address that is added works.
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
# which a lab must not depend on. Nothing holds these namespaces but mounts, so they end
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
