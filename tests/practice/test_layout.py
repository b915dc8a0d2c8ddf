"""Practice clusters that run side by side do not take ports from each other."""

import json
import os
from pathlib import Path

import pytest

from gpmedic.practice.layout import reserved_ports
from gpmedic.practice.postgres import BASE_VARIABLE


def test_the_ports_of_a_cluster_follow_each_other_although_others_have_scattered_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BASE_VARIABLE, str(tmp_path))
    of_others = set(range(15000, 32000, 43))
    (tmp_path / "ports").mkdir()
    (tmp_path / "ports" / f"{os.getppid()}.json").write_text(json.dumps(sorted(of_others)))
    with reserved_ports() as ports:
        assert ports == list(range(ports[0], ports[0] + len(ports)))
        assert of_others.isdisjoint(ports)
