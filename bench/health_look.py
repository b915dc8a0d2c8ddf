"""`python -m bench.health_look SETTINGS REPETITIONS`: look at a cluster again and again, a line of JSON each time.

All that the page `health_check` does with what it sees, without Prefect: read, probe, diagnose, and make the report and
the table of segments.
"""

import json
import sys
import time
from pathlib import Path

from bench.asked import asking
from gpmedic.access.freshness import Freshness
from gpmedic.access.observe import observe
from gpmedic.picture_states import segments_by_state
from gpmedic.practice.layout import SETTINGS
from gpmedic.report import diagnosis_markdown
from gpmedic.settings import ClusterSettings, parse_cluster
from tasks.publish import segment_rows


def _look(settings: ClusterSettings) -> None:
    diagnosis = observe(settings, Freshness.AS_IT_IS).diagnosis
    if diagnosis.cluster is None or not diagnosis.healthy:
        raise RuntimeError(f"This cluster should be well: {diagnosis.findings}")
    diagnosis_markdown(diagnosis)
    segments_by_state(diagnosis)
    json.dumps(segment_rows(diagnosis.cluster))


def main(path: Path, repetitions: int) -> None:
    settings = parse_cluster(path.read_text(), SETTINGS)
    _look(settings)
    for _ in range(repetitions):
        began, cpu = time.perf_counter(), time.process_time()
        with asking() as asked:
            _look(settings)
        own, whole = time.process_time() - cpu, time.perf_counter() - began
        print(json.dumps({"own_s": own, "whole_s": whole, "SQL": asked.sql, "ssh": asked.ssh}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
