"""A run in a process of its own, which a test may kill: `worker.py CLUSTER HEARD` answers yes to whatever is asked.

HEARD gets a line of JSON for each yes, before it is given, and one for the end of the run.
"""

import json
import sys
from pathlib import Path

from flows.attend import attend
from flows.recover import recover
from gpmedic.errors import GpmedicError
from tasks.approve import Answer, Request


def main(cluster: str, heard: Path) -> None:
    def note(**what: str) -> None:
        with heard.open("a") as file:
            file.write(json.dumps(what) + "\n")

    def yes(request: Request) -> Answer:
        note(request=request.model_dump_json())
        return Answer(decision="yes", operator="boris")

    try:
        report = attend(lambda: recover(cluster), yes)
    except GpmedicError as stop:
        note(stop=stop.message, next=stop.next_action)
    else:
        note(end=report.outcome.value, next=report.next_action)


main(sys.argv[1], Path(sys.argv[2]))
