"""A cluster that may be broken on purpose, from the TOML file that describes it (see README.md beside this file)."""

import shlex
import subprocess
import tomllib
from enum import StrEnum
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from gpmedic.access.environment import prelude
from gpmedic.access.observe import observe
from gpmedic.access.ssh import Shell
from gpmedic.cluster import Cluster, Segment
from gpmedic.errors import Refused
from gpmedic.settings import ClusterSettings

VARIABLE = "GPMEDIC_LIVE"


class Place(StrEnum):
    """Where the commands of `[faults]` are run."""

    COORDINATOR = "coordinator"  # on its host, by the cluster's user
    HERE = "here"  # on the machine of the tests, which may reach a hypervisor or a fence


class Faults(BaseModel):
    """One shell command a fault, with fields of the instance or host that is to fail; each may be left out."""

    model_config = ConfigDict(extra="forbid")

    kill: str | None = Field(default=None, description="Ends one instance at once: the following four, if they lack.")
    kill_mirror: str | None = None
    kill_primary: str | None = None
    kill_standby: str | None = None
    kill_both: str | None = Field(
        default=None, description="Has the mirror's fields too: {mirror_host}, {mirror_datadir} and so on."
    )
    host_down: str | None = Field(default=None, description="{host} loses its power, or its network.")
    host_up: str | None = Field(default=None, description="{host} answers ssh again; its instances need not run.")


class Live(BaseModel):
    """The file."""

    model_config = ConfigDict(extra="forbid")

    expendable: bool = False
    content: int = 0
    fts_seconds: int = 300
    run_faults: Place = Place.COORDINATOR
    spare_host: str | None = None
    faults: Faults
    cluster: ClusterSettings

    def kill_mirror(self, mirror: Segment) -> None:
        self._break("kill_mirror", self.faults.kill_mirror or self.faults.kill, _fields(mirror))

    def kill_primary(self, primary: Segment) -> None:
        self._break("kill_primary", self.faults.kill_primary or self.faults.kill, _fields(primary))

    def kill_standby(self, standby: Segment) -> None:
        self._break("kill_standby", self.faults.kill_standby or self.faults.kill, _fields(standby))

    def kill_both(self, primary: Segment, mirror: Segment) -> None:
        """The mirror first, so that FTS has no time to promote it."""
        if self.faults.kill_both is None and self.faults.kill is not None:
            for segment in (mirror, primary):
                self._break("kill_both", self.faults.kill, _fields(segment))
        else:
            both = _fields(primary) | {f"mirror_{name}": value for name, value in _fields(mirror).items()}
            self._break("kill_both", self.faults.kill_both, both)

    def host_down(self, host: str) -> None:
        if self.faults.host_up is None:
            pytest.skip("the file names no command host_up in [faults]: the host would stay down")
        self._break("host_down", self.faults.host_down, {"host": host})

    def host_up(self, host: str) -> None:
        self._break("host_up", self.faults.host_up, {"host": host})

    def _break(self, name: str, command: str | None, fields: dict[str, object]) -> None:
        """Break something as the file says; where it does not say how, the scenario is skipped, with nothing broken."""
        if command is None:
            pytest.skip(f"the file names no command {name} in [faults]")
        line = command.format(**{name: shlex.quote(str(value)) for name, value in fields.items()})
        if self.run_faults is Place.HERE:
            here = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False)
            code, said = here.returncode, here.stdout + here.stderr
        else:
            with Shell.connect(self.cluster.ssh) as shell:
                there = shell.run('exec /bin/sh -c "$1"', line)
            code, said = there.exit_code, f"{there.stdout}{there.stderr}"
        assert code == 0, f"{line}: {said}"

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


def _fields(segment: Segment) -> dict[str, object]:
    return {
        "host": segment.hostname,
        "datadir": segment.datadir,
        "port": segment.port,
        "dbid": segment.dbid,
        "content": segment.content,
    }
