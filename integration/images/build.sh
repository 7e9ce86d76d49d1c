#!/bin/sh
# Makes a folder a small Debian with some servers: build.sh FOLDER SUITE PACKAGE...
# It runs as root, in a mount and a process namespace of its own, so that
# nothing of it is mounted or running afterwards.
set -eu
root=$1 suite=$2
shift 2
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

debootstrap --variant=minbase "$suite" "$root"
mount -t proc proc "$root/proc"

# No package starts its server or makes a cluster, here and in the containers.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"
printf 'path-exclude /usr/share/%s/*\n' doc man locale i18n >"$root/etc/dpkg/dpkg.cfg.d/small"

chroot "$root" apt-get -q update
chroot "$root" apt-get -q install -y --no-install-recommends "$@"

# What the usual images of Postgres have: its programs in PATH, and a cluster
# at PGDATA, here one that is made already, with the role test.
chroot "$root" sh -eu -c '
	ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/
	install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data
	su postgres -c "initdb --pgdata /var/lib/postgresql/data --username test \
		--auth trust --encoding UTF8 --locale C --no-sync"
	install -d -o postgres -g postgres -m 1777 /var/run/postgresql'

# Neither what only the building needed, nor what it took over from its host.
umount "$root/proc"
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/log/* "$root"/tmp/* \
	"$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale "$root"/usr/share/i18n \
	"$root/etc/resolv.conf" "$root/etc/hostname"
