"""A cluster that may be broken on purpose, from the TOML file that describes it (see README.md beside this file)."""

import shlex
import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from gpmedic.access.environment import prelude
from gpmedic.access.observe import observe
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.errors import Refused
from gpmedic.settings import ClusterSettings

VARIABLE = "GPMEDIC_LIVE"


class Faults(BaseModel):
    """Commands on the coordinator's host, with fields of the instance that is to fail."""

    model_config = ConfigDict(extra="forbid")

    kill: str = Field(description="Ends one instance at once, e.g. by kill -9 of its postmaster.")


class Live(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid")

    expendable: bool = False
    content: int = 0
    fts_seconds: int = 300
    faults: Faults
    cluster: ClusterSettings

    def kill(self, segment: Segment) -> None:
        """Break this instance as the file says."""
        fields = {
            "host": segment.hostname,
            "datadir": segment.datadir,
            "port": segment.port,
            "dbid": segment.dbid,
            "content": segment.content,
        }
        command = self.faults.kill.format(**{name: shlex.quote(str(value)) for name, value in fields.items()})
        with Shell.connect(self.cluster.ssh) as shell:
            done = shell.run('exec /bin/sh -c "$1"', command)
        assert done.exit_code == 0, f"{command}: {done.stdout}{done.stderr}"

    def look(self) -> Cluster:
        seen = observe(self.cluster)
        assert seen.unreachable is None, seen.unreachable
        return seen.cluster

    def sql(self, statement: str) -> str:
        """What psql prints on the coordinator's host; gpmedic's own sessions only read."""
        settings = self.cluster
        psql = f"psql -X -A -t -v ON_ERROR_STOP=1 -d {shlex.quote(settings.database.dbname)} -c"
        script = f'{prelude(settings.greenplum, settings.database.port)}\n{psql} "$1"'
        with Shell.connect(settings.ssh) as shell:
            done = shell.run(script, statement)
        assert done.exit_code == 0, f"{statement}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def write_rows(self, count: int) -> None:
        self.sql(f"CREATE TABLE gpmedic_live AS SELECT generate_series(1, {count}) AS id")

    def count_rows(self) -> int:
        return int(self.sql("SELECT count(*) FROM gpmedic_live"))

    def drop_rows(self) -> None:
        self.sql("DROP TABLE IF EXISTS gpmedic_live")


def load(path: Path) -> Live:
    """The cluster of this file.

    Raises:
        Refused: the file does not say that it is expendable; nothing was touched.
    """
    live = Live.model_validate(tomllib.loads(path.read_text()))
    if not live.expendable:
        raise Refused(
            f"{path} does not say `expendable = true`: these tests kill segments; nothing was touched.",
            "Take a cluster whose data nobody needs, and add that line.",
        )
    return live
