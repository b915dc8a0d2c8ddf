"""The files that recorded runs of gprecoverseg read with -i, where the recording does not hold them."""

import re

from tests.transcripts import Step

GOOD_F1 = (
    "sdw1|6000|/data/primary/gpseg0 sdw4|6000|/data/primary/gpseg0\n"
    "sdw1|6001|/data/primary/gpseg1 sdw4|6001|/data/primary/gpseg1\n"
    "sdw1|7001|/data/mirror/gpseg3 sdw4|7001|/data/mirror/gpseg3\n"
    "sdw1|7000|/data/mirror/gpseg4 sdw4|7000|/data/mirror/gpseg4\n"
)
FIRST = "sdw1|6000|/data/primary/gpseg0"
FILES = {
    "unknown-failed-host": "sdw9|6000|/data/primary/gpseg0 sdw4|6000|/data/primary/gpseg0\n",
    "unknown-target-host": f"{FIRST} sdw9|6000|/data/primary/gpseg0\n",
    "wrong-format-colon": "sdw1:6000:/data/primary/gpseg0 sdw4:6000:/data/primary/gpseg0\n",
    "missing-field": "sdw1|6000 sdw4|6000|/data/primary/gpseg0\n",
    "three-groups": f"{FIRST} sdw4|6000|/data/primary/gpseg0 sdw4|6001|/data/primary/gpseg1\n",
    "port-not-a-number": f"{FIRST} sdw4|abc|/data/primary/gpseg0\n",
    "gp5-style-with-filespace-line": f"filespaceOrder=\n{FIRST}\n",
    "segment-that-is-up": "sdw2|6000|/data/primary/gpseg2 sdw4|6000|/data/primary/gpseg2\n",
    "port-used-by-another-segment": f"{FIRST} sdw3|6000|/data/spare/gpseg0\n",
    "duplicate-line": f"{FIRST} sdw4|6000|/data/primary/gpseg0\n{FIRST} sdw4|6000|/data/primary/gpseg0\n",
    "duplicate-target": f"{FIRST} sdw4|6000|/data/primary/gpseg0\n"
    "sdw1|6001|/data/primary/gpseg1 sdw4|6001|/data/primary/gpseg0\n",
    "relative-directory": "sdw1|6000|primary/gpseg0 sdw4|6000|/data/primary/gpseg0\n",
    "unreachable-in-place": f"{FIRST}\n",
    "empty-file": "",
    "comment-only": "# nothing\n",
    "nonempty-target-dir": f"{FIRST} sdw4|6000|/data/primary/gpseg0\n",
    "target-parent-not-writable": f"{FIRST} sdw4|6000|/srv/nope/gpseg0\n",
    "port-taken-by-a-stranger": "sdw1|6001|/data/primary/gpseg1 sdw4|6001|/data/primary/gpseg1\n",
    "17-gprecoverseg-i-good": "sdw4|6000|/data/primary/gpseg0\n" + "".join(GOOD_F1.splitlines(keepends=True)[2:]),
    "34-gprecoverseg-i-good": GOOD_F1,
    "07-gprecoverseg-i-empty": "",
    "09-gprecoverseg-i-in-place": f"{FIRST}\n",
    "14-gprecoverseg-i": "filespaceOrder=\n# dead mirror of content 1\n"
    "gp-s3:50000:/data/mirror/gpseg1 gp-s4:50000:51000:/data/spare/gpseg1\n"
    "gp-s3:40000:/data/primary/gpseg2 gp-s4:40000:41000:/data/spare/gpseg2\n",
}
"""Recovery files whose content was not recorded, by what the step's name says of them."""


def configuration_files(step: Step) -> dict[str, str]:
    """The file that the step's -i reads, if it exists."""
    named = re.search(r"-i (\S+)", step.command)
    if not named or "nosuch" in named[1] or "nonexistent" in named[1]:
        return {}
    path = named[1].replace("~/", "/home/gpadmin/")
    printed = re.match(r"printf '(.*?)' > ", step.command)
    if printed:
        return {path: printed[1].replace("\\n", "\n")}
    return {path: next((text for name, text in FILES.items() if name in step.name), "")}
