"""A page as a program: `python -m flows.recover NAME`. An expected failure is one line with the next action."""

import inspect
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from prefect import Flow
from prefect.exceptions import ParameterTypeError

from gpmedic.errors import GpmedicError


def run_as_program(page: "Flow[..., Any]", show: Callable[[Any], str]) -> None:
    """Run the flow with the words of the command line and print what it gives.

    Exit code 2: wrong words, or it was refused or failed, as one line on stderr says.
    """
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(_without_traces)
    words = sys.argv[1:]
    try:
        inspect.signature(page.fn).bind(*words)
    except TypeError:
        _end(_usage(page))
    try:
        print(show(page(*words)))
    except GpmedicError as error:
        _end(f"gpmedic: {error}")
    except ParameterTypeError:
        _end(f"gpmedic: {' '.join(words)} is not what this page takes. Next: {_usage(page)}")


def _usage(page: "Flow[..., Any]") -> str:
    wanted = [
        name.upper() if parameter.default is inspect.Parameter.empty else f"[{name.upper()}]"
        for name, parameter in inspect.signature(page.fn).parameters.items()
    ]
    return f"Usage: python -m {page.fn.__module__.replace('__main__', _module())} {' '.join(wanted)}"


def _module() -> str:
    spec = sys.modules["__main__"].__spec__
    return spec.name if spec is not None else "flows"


def _without_traces(record: logging.LogRecord) -> bool:
    """Where a flow failed as it should, its words are enough."""
    if record.exc_info and isinstance(record.exc_info[1], GpmedicError):
        record.exc_info, record.exc_text = None, None
    return True


def _end(line: str) -> None:
    print(line, file=sys.stderr)
    sys.exit(2)
