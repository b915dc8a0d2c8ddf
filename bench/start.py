"""How fast gpmedic starts, and what its approvals service holds in memory."""

import sys
import time

from bench.cost import cost_of
from bench.figures import Figures, Goal, Result
from bench.part import Effort
from bench.service import resident_after
from bench.tap import Tap
from gpmedic.practice.layout import SETTINGS
from gpmedic.practice.scale import scale_cluster
from gpmedic.settings import CONFIG_VARIABLE

_COMMAND = "from gpmedic.cli import main; main()"
_HELP, _STATUS, _FLOW = "gpmedic --help", "gpmedic status, to its first query", "import flows.recover"
_PREFECT, _PYTHON, _SERVICE = "import prefect (a part of it)", "python -c pass", "gpmedic approvals serve"
_PROGRAMS = {
    _PYTHON: ("-c", "pass"),
    _HELP: ("-c", _COMMAND, "--help"),
    _PREFECT: ("-c", "import prefect.client.orchestration"),
    _FLOW: ("-c", "import flows.recover"),
}
SERVICE_ROUNDS = 20


def measure(effort: Effort) -> Result:
    """Side by side, each once a round."""
    figures = Figures()
    with scale_cluster() as cluster:
        cluster.fill(14)
        for _ in range(effort.repetitions):
            for name, argv in _PROGRAMS.items():
                done = cost_of([sys.executable, *argv])
                figures.add(name, seconds=done.seconds, cpu_s=done.cpu, MB=done.peak_mb)
            with Tap(cluster.settings.database.port) as tap:
                text = (cluster.folder / SETTINGS).read_text()
                settings = cluster.folder / "tapped" / f"{cluster.settings.name}.toml"
                settings.parent.mkdir(exist_ok=True)
                port = cluster.settings.database.port
                settings.write_text(text.replace(f"\nport = {port}\n", f"\nport = {tap.port}\n"))
                with (cluster.folder / "pgpass").open("a") as passwords:
                    passwords.write(f"127.0.0.1:{tap.port}:*:gpadmin:{cluster.engine.password}\n")
                began = time.perf_counter()
                status = [sys.executable, "-c", _COMMAND, "status", settings.stem]
                done = cost_of(status, {CONFIG_VARIABLE: str(settings.parent)})
                if tap.first_query is None:
                    raise RuntimeError(f"gpmedic status asked nothing: {done.output}")
                figures.add(_STATUS, seconds=tap.first_query - began, cpu_s=done.cpu, MB=done.peak_mb)
    figures.add(_SERVICE, MB=resident_after(SERVICE_ROUNDS))
    return Result(
        figures.result().figures,
        (
            Goal(f"{_HELP}, seconds", figures.median(_HELP, "seconds"), 0.15),
            Goal(f"{_STATUS}, seconds", figures.median(_STATUS, "seconds"), 0.4),
            Goal(f"{_FLOW}, seconds", figures.median(_FLOW, "seconds"), 2),
            Goal(f"{_SERVICE}, MB after {SERVICE_ROUNDS} rounds", figures.median(_SERVICE, "MB"), 120),
        ),
    )
