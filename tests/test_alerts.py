"""The alert rules ask for metrics, labels and words that exist, and each says what to do next."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from gpmedic.approvals.metric_table import METRICS
from gpmedic.approvals.samples import Scrape
from gpmedic.approvals.sight import Health, Sight
from gpmedic.approvals.tallies import Tallies
from gpmedic.picture_states import State

ALERTS = Path(__file__).parent.parent / "deployments" / "alerts.yaml"
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
SELECTOR = re.compile(r"(gpmedic_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
NOW = datetime.now(UTC)


def words_of() -> dict[tuple[str, str], set[str]]:
    """Every value that each label of each metric can have, by metric and label."""
    tallies = Tallies()
    tallies.sights["lab"] = Sight(
        NOW, Health(NOW, {State.DOWN: 1}, {}), NOW, NOW, live=True, phase=None, told_at=NOW, request=None
    )
    scrape = Scrape(("lab",), tallies, Counter(), NOW)
    found: dict[tuple[str, str], set[str]] = {}
    for metric in METRICS:
        for values, _ in metric.samples(scrape):
            for label, value in zip(metric.labels, values, strict=True):
                found.setdefault((metric.name, label), set()).add(value)
    return found


def selectors(rule: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for name, inside in SELECTOR.findall(rule["expr"]):
        yield name, [(label, word) for label, _, words in MATCHER.findall(inside) for word in words.split("|")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_what_exists_and_says_what_to_do(rule: dict[str, Any]) -> None:
    metrics = {metric.name: metric for metric in METRICS}
    asked = list(selectors(rule))
    assert asked
    for name, wanted in asked:
        assert name in metrics, f"{name} is in no row of the table"
        for label, word in wanted:
            assert word in words_of()[name, label], f"{name} never has {label}={word}"
    labels = {label for name, _ in asked for label in metrics[name].labels}
    used = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
    assert used <= labels
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["next_action"]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_prometheus_takes_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", str(ALERTS)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
