"""`gpmedic ARGUMENTS` in a process that is forked from one which has imported the command line already.

It has its own environment, its own standard output and error, and its exit code is the process's. What is saved is the
start of Python and the imports, which take longer than most commands do.
"""

import os
import subprocess
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

_FORKING = get_context("forkserver")
# Neither Prefect nor gpmedic.cli.screen: they look at their environment and at the terminal when they are imported.
_FORKING.set_forkserver_preload(
    ["gpmedic.cli", "gpmedic.access.observe", "gpmedic.access.limits", "gpmedic.report_json"]
)


def run(arguments: tuple[str, ...], environment: dict[str, str], timeout: float) -> "subprocess.CompletedProcess[str]":
    """As subprocess.run with captured text; nothing is on standard input."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder) / "output", Path(folder) / "errors"
        process = _FORKING.Process(target=_gpmedic, args=(arguments, environment, output, errors))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(arguments, timeout)
        return subprocess.CompletedProcess(arguments, process.exitcode, output.read_text(), errors.read_text())


def _gpmedic(arguments: tuple[str, ...], environment: dict[str, str], output: Path, errors: Path) -> None:
    for descriptor, path in ((0, Path(os.devnull)), (1, output), (2, errors)):
        opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["gpmedic", *arguments]
    from gpmedic.cli import main

    main()
