# The runbook for a failed primary as administrators write it. $1 GPHOME, $2 the coordinator's data directory, $3 its port.
set -e
. "$1/greenplum_path.sh"
MASTER_DATA_DIRECTORY=$2 PGPORT=$3
export MASTER_DATA_DIRECTORY PGPORT
gpstate -e || : # its exit code says that something is down
gprecoverseg -a
while gpstate -m | grep -Eq 'Not In Sync|Failed|Resynchronizing'; do sleep 10; done
gprecoverseg -ra
gpstate -e || :
