"""`python -m bench.noticing_wait SETTINGS`: recover by hand, wait as the flows do, tell how late the wait has ended."""

import json
import sys
import time
from pathlib import Path

from bench.by_hand import recover_by_hand
from bench.working import MARK
from gpmedic.access.sql import Database
from gpmedic.practice.layout import SETTINGS
from gpmedic.settings import parse_cluster
from tasks.wait_for_sync import wait_for_sync

# When the practice cluster lets its mirror be in sync.
_ENDS_SQL = "SELECT extract(epoch FROM max(ends))::float8 AS ends FROM gpmedic_practice.lagging"


def main(path: Path) -> None:
    practice = parse_cluster(path.read_text(), SETTINGS)
    recover_by_hand(practice)
    began, cpu = time.perf_counter(), time.process_time()
    wait_for_sync.fn(practice.model_copy(update={"practice": False}))
    ended, lasted, used = time.time(), time.perf_counter() - began, time.process_time() - cpu
    with Database.connect(practice.database) as database:
        ends = float(str(database.rows(_ENDS_SQL)[0]["ends"]))
    told = {"noticed_after_s": ended - ends, "waited_s": lasted, "percent_of_a_core": 100 * used / lasted}
    print(MARK + json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
