"""Where Greenplum lies on the coordinator's host, as database and host tell it."""

import re

from gpmedic.access.scripts import script
from gpmedic.access.sql import Database
from gpmedic.access.ssh import Shell
from gpmedic.errors import AccessRefused
from gpmedic.settings import GreenplumSettings


def discover(
    database: Database, shell: Shell, home: str = "", coordinator_data_directory: str = ""
) -> GreenplumSettings:
    """GPHOME and the coordinator's data directory.

    Args:
        home: where it is known already.
        coordinator_data_directory: where it is known already.

    Raises:
        AccessRefused: no GPHOME was found.
        QueryFailed: the role may not see the data directory.
    """
    data_directory = coordinator_data_directory or str(database.rows("SHOW data_directory")[0]["data_directory"])
    if not home:
        done = shell.run(script("discover"), data_directory)
        found = re.search(r"^home (.+)$", done.stdout, re.MULTILINE)
        if found is None:
            raise AccessRefused(
                f"Where Greenplum lies on {shell.host} could not be found out; nothing was saved.",
                "Say it: --home (GPHOME, the folder that holds greenplum_path.sh).",
            )
        home = found[1]
    return GreenplumSettings(home=home, coordinator_data_directory=data_directory)
