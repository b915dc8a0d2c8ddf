"""`gpmedic practice ...`: start, look at, break, heal and end a practice cluster."""

import json as jsonlib
import shutil
import signal
import sys
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from gpmedic.practice.choose import choose, running
from gpmedic.practice.control import PracticeError
from gpmedic.practice.facts import Facts, Release
from gpmedic.practice.fault import FAULTS, Fault, Lie, wanted_target
from gpmedic.practice.layout import MARK, Kept, Mirrors
from gpmedic.practice.processes import end_all

if TYPE_CHECKING:
    from rich.console import Console

    from gpmedic.json_shapes import PracticeJson
    from gpmedic.practice.practice_cluster import PracticeCluster

app = typer.Typer(
    help="A practice cluster on this machine: real servers to break and recover.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _running(incomplete: str) -> list[str]:
    return [name for name in running() if name.startswith(incomplete)]


def _faults(incomplete: str) -> list[tuple[str, str]]:
    return [(fault.value, facts.meaning) for fault, facts in FAULTS.items() if fault.value.startswith(incomplete)]


Name = Annotated[
    str | None,
    typer.Argument(help="Name of the practice cluster; may be left out where only one is up.", autocompletion=_running),
]
DEFAULT_NAME = "practice"


def _fault_list() -> str:
    """One line a fault, which a terminal of 80 columns does not wrap."""
    rows = [
        (fault.value, f"--{facts.target}" if facts.target else "", facts.meaning) for fault, facts in FAULTS.items()
    ]
    return "\n".join(f"{fault:<24}{target:<10} {meaning}" for fault, target, meaning in rows)


def _fault(word: str) -> Fault:
    try:
        return Fault(word)
    except ValueError:
        raise PracticeError(f"There is no fault {word!r}.", f"Choose one of: {', '.join(Fault)}.") from None


class Folder(StrEnum):
    """What `down` does with the cluster's folder."""

    DELETE = "delete"
    KEEP = "keep"


@app.command()
def up(
    name: Annotated[str, typer.Argument(help="Name of the practice cluster.")] = DEFAULT_NAME,
    generation: Annotated[
        Release, typer.Option("--generation", "-g", help="Which Greenplum it looks like.")
    ] = Release.V6,
    mirrors: Annotated[Mirrors, typer.Option(help="Whether segments have mirrors.")] = Mirrors.YES,
) -> None:
    """Start a practice cluster, which runs until `down`, and register it under its name."""
    from gpmedic.practice.dead_drills import forget_dead_drills
    from gpmedic.practice.practice_cluster import PracticeCluster, registration

    forget_dead_drills()
    registered = registration(name)
    _out().print(f"Starting practice cluster {name!r}, like Greenplum {generation.value} ...")
    cluster = PracticeCluster(name, generation.value, mirrors=mirrors, kept=Kept.DETACHED).up()
    cluster.register()
    _out().print(f"It is up after {cluster.ready_after:.1f} s: {_summary(cluster.facts())}.")
    _out().print(f"Registered as {registered}. Its folder: {cluster.folder}", soft_wrap=True)
    _out().print(f"Log in on a host: ssh -F {cluster.folder}/ssh_config mdw", soft_wrap=True)
    _out().print(
        f"Next: gpmedic status {name}, or break something: gpmedic practice break kill_primary {name} --content 0"
    )


@app.command()
def scale(
    name: Annotated[str, typer.Argument(help="Name under which it is registered.")] = "scale",
    segments: Annotated[int, typer.Option(min=2, max=20000, help="Primaries and mirrors together.")] = 4000,
    hosts: Annotated[int, typer.Option(min=2, max=1000, help="Hosts of segments, each behind real ssh.")] = 500,
) -> None:
    """Serve a coordinator whose catalog holds thousands of segments, which are well and do not run, until Ctrl-C."""
    from gpmedic.practice.practice_cluster import register, registration
    from gpmedic.practice.scale import scale_cluster

    registered = registration(name)
    ended = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    with scale_cluster(hosts + 1, name) as cluster:
        cluster.fill(segments, hosts)
        signal.pthread_sigmask(signal.SIG_BLOCK, ended)
        register(name, cluster.folder)
        try:
            _out().print(
                f"It is up: {segments} segments in the catalog, {hosts} hosts. Registered as {registered}.",
                soft_wrap=True,
            )
            _out().print(f"Next: gpmedic status {name}, in another terminal. Ctrl-C ends it.")
            signal.sigwait(ended)
        finally:
            registered.unlink(missing_ok=True)


@app.command()
def status(
    name: Name = None, json: Annotated[bool, typer.Option("--json", help="For programs: one JSON object.")] = False
) -> None:
    """Show every server of the cluster as it really is, beside what the catalog says."""
    from rich.table import Table

    name = choose(name)
    facts = _attach(name).facts()
    if json:
        print(jsonlib.dumps(facts_json(name, facts), indent=2))
        return
    table = Table(title=f"{name}: {facts.server_version.split(') on ')[0]})", title_justify="left")
    for heading in ("dbid", "content", "host", "port", "role", "preferred", "mode", "status", "really", "pid"):
        table.add_column(heading)
    for s in sorted(facts.segments, key=lambda s: (s.content, s.preferred_role.value != "p")):
        values = (
            s.dbid,
            s.content,
            s.hostname,
            s.port,
            s.role,
            s.preferred_role,
            s.mode,
            s.status,
            s.answer,
            s.pid or "",
        )
        table.add_row(*map(str, values))
    _out().print(table)
    for fault, target in facts.faults:
        _out().print(f"Broken: {fault} {target}".rstrip())
    for host in facts.hosts:
        if host.ssh.value != "normal":
            _out().print(f"Broken: ssh of {host.name}: {host.ssh.value}")


Content = Annotated[int | None, typer.Option(help="Content of the pair.")]
Dbid = Annotated[int | None, typer.Option(help="dbid of the segment.")]
Host = Annotated[str | None, typer.Option(help="Name of the host.")]
Lying = Annotated[Lie | None, typer.Option(help="For utility_lies.")]
Seconds = Annotated[float | None, typer.Option(help="For slow_resync.")]


@app.command("break", help=f"Break something in the practice cluster.\n\n\b\n{_fault_list()}")
def break_(  # noqa: PLR0917 (the options of a command line)
    fault: Annotated[str, typer.Argument(help="One of the list above.", autocompletion=_faults)],
    name: Name = None,
    content: Content = None,
    dbid: Dbid = None,
    host: Host = None,
    lie: Lying = None,
    seconds: Seconds = None,
) -> None:
    chosen = _fault(fault)
    target = _target(chosen, {"content": content, "dbid": dbid, "host": host, "lie": lie, "seconds": seconds})
    _out().print(_attach(choose(name)).break_(chosen, **target))


@app.command()
def heal(  # noqa: PLR0917 (the options of a command line)
    fault: Annotated[
        str | None,
        typer.Argument(
            help="What to heal (see gpmedic practice break --help); nothing: all that can be healed.",
            autocompletion=_faults,
        ),
    ] = None,
    name: Name = None,
    content: Content = None,
    dbid: Dbid = None,
    host: Host = None,
    lie: Lying = None,
) -> None:
    """Undo a fault. Dead segments are not brought back by this: that is gprecoverseg's work."""
    chosen = None if fault is None else _fault(fault)
    cluster = _attach(choose(name))
    given = {"content": content, "dbid": dbid, "host": host, "lie": lie}
    _out().print(cluster.heal(chosen, **{key: value for key, value in given.items() if value is not None}))


@app.command()
def down(
    name: Name = None,
    folder: Annotated[Folder, typer.Option(help="What becomes of its folder.")] = Folder.DELETE,
) -> None:
    """End every process of the practice cluster and forget it; one that is down already is no error."""
    from gpmedic.practice.dead_drills import forget_dead_drills
    from gpmedic.practice.practice_cluster import PracticeCluster, folder_of

    forget_dead_drills()
    if name is None and not running():
        name = DEFAULT_NAME  # what is left of one that died is cleared away
    name = choose(name)
    place = folder_of(name)
    if not (place / MARK).exists():
        PracticeCluster(name).unregister()
        _out().print(f"Practice cluster {name!r} is down already; nothing to do.", soft_wrap=True)
        return
    PracticeCluster(name, kept=Kept.DETACHED).down()
    end_all(place)
    PracticeCluster(name).unregister()
    if folder is Folder.DELETE:
        shutil.rmtree(place, ignore_errors=True)
    _out().print(
        f"Practice cluster {name!r} is down; its folder {place} is {'deleted' if folder is Folder.DELETE else 'kept'}.",
        soft_wrap=True,
    )


@cache
def _out() -> "Console":
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 140)  # nothing is cut when it is piped


def _attach(name: str) -> "PracticeCluster":
    from gpmedic.practice.practice_cluster import PracticeCluster, folder_of

    return PracticeCluster.attach(folder_of(name))


def _target(fault: Fault, given: dict[str, object]) -> dict[str, object]:
    wanted = wanted_target(fault)
    useless = [key for key, value in given.items() if value is not None and key != wanted]
    if useless:
        raise PracticeError(f"{fault.value} does not take --{useless[0]}.", f"It takes --{wanted}." if wanted else "")
    return {} if wanted is None else {wanted: given[wanted]}


def facts_json(name: str, facts: Facts) -> "PracticeJson":
    """The servers of a practice cluster and what is broken there, as JSON values."""
    ssh = [f"ssh of {host.name}: {host.ssh.value}" for host in facts.hosts if host.ssh.value != "normal"]
    return {
        "cluster": name,
        "version": facts.server_version,
        "servers": [
            {
                "dbid": s.dbid,
                "content": s.content,
                "hostname": s.hostname,
                "port": s.port,
                "role": s.role.value,
                "preferred_role": s.preferred_role.value,
                "mode": s.mode.value,
                "status": s.status.value,
                "really": s.answer.value,
                "pid": s.pid,
            }
            for s in facts.segments
        ],
        "faults": [*(f"{fault} {target}".rstrip() for fault, target in facts.faults), *ssh],
    }


def _summary(facts: Facts) -> str:
    hosts = {segment.hostname for segment in facts.segments}
    return (
        f"{len(facts.segments)} PostgreSQL servers on {len(hosts)} hosts and {len(facts.hosts) - len(hosts)} spare host"
    )
