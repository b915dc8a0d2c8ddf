"""The part of gprecoverseg that the real one runs on the target's host: copy one segment, then start it.

A process of its own in a session of its own: killing gprecoverseg does not stop it (T22). Its last line is JSON:
{"ending": Ending, "message": the last line of pg_rewind or pg_basebackup}.
"""

import json
import os
import re
import sys
from contextlib import suppress
from pathlib import Path

from gpmedic.practice.control import Control, PracticeError, Verb
from gpmedic.practice.utilities.gprecoverseg_hands import Ending


def main(dbid: int, verb: Verb, log: Path) -> int:
    """Recover the segment `dbid` by `verb`, which is REWIND or BASEBACKUP; its output goes to `log`."""
    with Control.connect() as control:
        try:
            output: str = control.call(verb, dbid=dbid)["output"]
        except PracticeError as error:
            said = re.sub(r"^pg_\w+ failed: ", "", error.message)
            log.write_text(f"{said}\n")
            return _end(Ending.COPY_FAILED, next((n for n in said.splitlines() if "error:" in n), said))
        log.write_text(f"{output}\n")
        try:
            control.call(Verb.START_SEGMENT, dbid=dbid)
        except PracticeError:
            return _end(Ending.START_FAILED, output)
        return _end(Ending.RECOVERED, output)


def _end(ending: Ending, output: str) -> int:
    lines = output.strip().splitlines()
    with suppress(BrokenPipeError):
        sys.stdout.write(json.dumps({"ending": ending, "message": lines[-1] if lines else ""}) + "\n")
        sys.stdout.flush()
    os._exit(0)  # nobody may be there any more to take what the interpreter still wants to flush


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Verb(sys.argv[2]), Path(sys.argv[3])))
