"""`python -m bench.hosts_gpmedic SETTINGS SCRIPT FRAME HOST ...`: the way of the prechecks, with a given script."""

import sys
from pathlib import Path

from bench.working import working
from gpmedic.access.facts import DEADLINE, answers, ask_all
from gpmedic.access.ssh import Shell
from gpmedic.practice.layout import SETTINGS
from gpmedic.settings import parse_cluster


def main(settings_file: Path, script: Path, frame: str, hosts: list[str]) -> None:
    settings, text = parse_cluster(settings_file.read_text(), SETTINGS), script.read_text()
    words = [word for host in hosts for word in (host, text)]
    import paramiko  # noqa: F401 (a worker has logged in before)

    with working(), Shell.connect(settings.ssh) as shell:
        _, *parts = ask_all(shell, settings, frame, DEADLINE, words)
    for host, part in zip(hosts, parts, strict=True):
        answer = answers(host, part, frame, DEADLINE)
        if not answer.reachable:
            raise RuntimeError(f"{host}: {answer.detail}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
