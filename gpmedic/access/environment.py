"""The environment that Greenplum's utilities need; a login without a terminal has none of it (T27)."""

import shlex

from gpmedic.settings import GreenplumSettings

# greenplum_path.sh finds its own folder only in bash and zsh; in dash, the /bin/sh of Debian and Ubuntu, it asks lsof
# and may take any folder for GPHOME. Hence the correction.
_PRELUDE = """gpmedic_home={home}
[ -r "$gpmedic_home/greenplum_path.sh" ] || {{
  echo "gpmedic: $gpmedic_home/greenplum_path.sh cannot be read" >&2; exit {no_greenplum}; }}
set +eu
. "$gpmedic_home/greenplum_path.sh" >/dev/null 2>&1
[ "${{GPHOME:-}}/greenplum_path.sh" -ef "$gpmedic_home/greenplum_path.sh" ] || {{
  GPHOME=$gpmedic_home
  PYTHONPATH=$GPHOME/lib/python
  PATH=$GPHOME/bin:$PATH
  LD_LIBRARY_PATH=$GPHOME/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}
  [ ! -d "$GPHOME/ext/python" ] || {{
    PYTHONHOME=$GPHOME/ext/python; export PYTHONHOME; PATH=$PYTHONHOME/bin:$PATH
    LD_LIBRARY_PATH=$PYTHONHOME/lib:$LD_LIBRARY_PATH; }}
  export GPHOME PYTHONPATH PATH LD_LIBRARY_PATH; }}
MASTER_DATA_DIRECTORY={datadir}; COORDINATOR_DATA_DIRECTORY=$MASTER_DATA_DIRECTORY
PGPORT={port}; PGDATABASE=postgres; LC_ALL=C
export MASTER_DATA_DIRECTORY COORDINATOR_DATA_DIRECTORY PGPORT PGDATABASE LC_ALL
unset PGHOST PGUSER PGOPTIONS
"""

NO_GREENPLUM = 127


def prelude(settings: GreenplumSettings, port: int) -> str:
    """POSIX sh text to put before a utility's command, which then speaks English and finds its cluster.

    Its exit code is NO_GREENPLUM where there is no greenplum_path.sh in GPHOME.

    Args:
        port: the coordinator's database port on its own host.
    """
    return _PRELUDE.format(
        home=shlex.quote(settings.home),
        datadir=shlex.quote(settings.coordinator_data_directory),
        port=int(port),
        no_greenplum=NO_GREENPLUM,
    )
