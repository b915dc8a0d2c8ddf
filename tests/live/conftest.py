"""The cluster that $GPMEDIC_LIVE describes; without it these tests are skipped."""

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpmedic.settings import CONFIG_VARIABLE
from tests.live.live_cluster import VARIABLE, Live, load


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Iterator[Live]:
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} names no cluster")
    path = Path(os.environ[VARIABLE])
    cluster = load(path)
    folder = tmp_path_factory.mktemp("clusters")
    (folder / f"{cluster.cluster.name}.toml").write_text(_toml(tomllib.loads(path.read_text())["cluster"]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CONFIG_VARIABLE, str(folder))
        cluster.write_rows(1000)
        try:
            yield cluster
        finally:
            cluster.drop_rows()


def _toml(values: dict[str, object], prefix: str = "") -> str:
    """Tables of strings, numbers and truth values, as in the file of a cluster."""
    own = [f"{name} = {json.dumps(value)}" for name, value in values.items() if not isinstance(value, dict)]
    tables = [
        f"[{prefix}{name}]\n{_toml(value, f'{prefix}{name}.')}"
        for name, value in values.items()
        if isinstance(value, dict)
    ]
    return "\n".join([*own, *tables])
