"""How each fault of a practice cluster is made, and how it is healed: one row a fault."""

import contextlib
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpmedic.cluster import COORDINATOR_CONTENT, Generation, Status
from gpmedic.practice.control import CLUSTER_VARIABLE, PracticeError
from gpmedic.practice.engine import Engine
from gpmedic.practice.facts import SshState
from gpmedic.practice.fault import Fault, Lie, wanted_target
from gpmedic.practice.hosts import Hosts
from gpmedic.practice.layout import Row
from gpmedic.practice.processes import alive, command_of, end, with_variables
from gpmedic.practice.sshd import HOST_VARIABLE
from gpmedic.practice.utilities.gprecoverseg_lock import pid_file, release

Target = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a fault is made and unmade."""

    break_: Callable[[Engine, Any], str]
    heal: Callable[[Engine, Any], str]


def break_(engine: Engine, fault: Fault, target: Target) -> str:
    """Break something; what was done, for a person to read.

    Raises:
        PracticeError: the target is missing or does not exist.
    """
    return _KINDS[fault].break_(engine, _target(engine, fault, target))


def heal(engine: Engine, fault: Fault, target: Target) -> str:
    """Undo a fault; what was done."""
    wanted = wanted_target(fault)
    return _KINDS[fault].heal(engine, None if wanted == "seconds" else _target(engine, fault, target))


def heal_all(engine: Engine) -> str:
    """Heal whatever is in force; killed servers stay as they are, but for coordinator and standby."""
    hosts = _hosts(engine)
    for host in hosts.all():
        hosts.set_reachable(host.name, True)
        hosts.set_ssh(host.name, SshState.NORMAL)
        hosts.set_full(host.name, False)
    _start_coordinator(engine, None)  # first: what follows may write to its catalog
    _start_standby(engine, None)
    for content in list(engine.broken.hidden_replication):
        _show_replication(engine, content)
    for fault in (Fault.LOCK_HELD, Fault.SLOW_RESYNC, Fault.GPRECOVERSEG_HANGS):
        heal(engine, fault, {})
    engine.broken.rewind_fails.clear()
    engine.broken.flapping.clear()
    engine.broken.lies.clear()
    return "All hosts, ssh, locks and delays are healed; dead segments wait for gprecoverseg."


def in_force(engine: Engine) -> tuple[tuple[str, str], ...]:
    """Lasting faults and their targets, as `Facts.faults` shows them."""
    broken = engine.broken
    hosts = engine.hosts.all() if engine.hosts is not None else ()
    lists: list[tuple[Fault, list[Any]]] = [
        (Fault.REWIND_FAILS, sorted(broken.rewind_fails)),
        (Fault.FLAPPING, sorted(broken.flapping)),
        (Fault.UTILITY_LIES, sorted(broken.lies)),
        (Fault.REPLICATION_ROW_MISSING, sorted(broken.hidden_replication)),
        (Fault.REPLICATION_REFUSED, sorted(broken.refused_replication)),
        (Fault.HOST_DOWN, [host.name for host in hosts if not host.reachable]),
        (
            Fault.DISK_FULL,
            [host.name for host in hosts if engine.hosts is not None and engine.hosts.is_full(host.name)],
        ),
    ]
    found = [(fault.value, ",".join(map(str, targets))) for fault, targets in lists if targets]
    if broken.slow_resync:
        found.append((Fault.SLOW_RESYNC.value, f"{broken.slow_resync:g}"))
    if broken.gprecoverseg_hangs:
        found.append((Fault.GPRECOVERSEG_HANGS.value, ""))
    return tuple(found)


def _target(engine: Engine, fault: Fault, target: Target) -> Any:
    wanted = wanted_target(fault)
    if wanted is None:
        return None
    value = target.get(wanted)
    choices = _choices(engine, wanted)
    shown = ", ".join(map(str, choices))
    if value is None:
        one_of = f" ({shown})" if choices else ""
        raise PracticeError(f"{fault.value} needs a {wanted}.", f"Name it: --{wanted} VALUE{one_of}.")
    if choices and value not in choices:
        raise PracticeError(f"There is no {wanted} {value!r}.", f"Choose one of: {shown}.")
    return value


def _choices(engine: Engine, wanted: str) -> tuple[int, ...] | tuple[str, ...]:
    """What this cluster has of it; nothing where any number will do."""
    rows = engine.current_rows()
    match wanted:
        case "content":
            return tuple(sorted({row.content for row in rows if row.content != COORDINATOR_CONTENT}))
        case "dbid":
            return tuple(sorted(row.dbid for row in rows))
        case "lie":
            return tuple(Lie)
        case "host":
            return tuple(host.name for host in _hosts(engine).all())
        case _:
            return ()


def _hosts(engine: Engine) -> Hosts:
    if engine.hosts is None:
        raise PracticeError("The practice cluster is not up yet.")
    return engine.hosts


def _killed(engine: Engine, *rows: Row) -> str:
    for row in rows:
        engine.servers.kill(row.dbid)
    return "Killed " + " and ".join(f"dbid {r.dbid} ({r.hostname}:{r.port}, content {r.content})" for r in rows) + "."


def _kill_standby(engine: Engine, _: None) -> str:
    if engine.standby is None:
        raise PracticeError("The cluster has no standby.")
    return _killed(engine, engine.standby)


def _start_standby(engine: Engine, _: None) -> str:
    if engine.standby is not None:
        engine.start_segment(engine.standby.dbid)
    return "The standby runs."


def _start_coordinator(engine: Engine, _: None) -> str:
    engine.start_segment(engine.coordinator.dbid)
    return "The coordinator runs."


def _start_both(engine: Engine, content: int) -> str:
    """What `gpstop -ar` would start: the instances that the catalog calls up."""
    up = [row for row in engine.pair(content) if row.status is Status.UP]
    for row in up:
        engine.start_segment(row.dbid)
    return " and ".join(f"dbid {row.dbid}" for row in up) + (" runs." if len(up) == 1 else " run.")


def _gprecoverseg_heals(engine: Engine, target: int) -> str:
    return "A killed segment is brought back by gprecoverseg; nothing was done."


def _host_down(engine: Engine, host: str) -> str:
    _hosts(engine).set_reachable(host, False)
    here = [row for row in engine.rows.known if row.hostname == host]
    for row in here:
        engine.servers.kill(row.dbid)
    for pid in with_variables(f"{CLUSTER_VARIABLE}={engine.folder}", f"{HOST_VARIABLE}={host}"):
        end(pid, carrying="", kind=signal.SIGKILL)  # what was at work there over ssh
    return f"{host} is down, and with it {len(here)} servers."


def _host_up(engine: Engine, host: str) -> str:
    _hosts(engine).set_reachable(host, True)
    dead = [row for row in engine.rows.known if row.hostname == host and engine.servers.pid(row.dbid) is None]
    return f"{host} answers again; {len(dead)} of its servers do not run."


def _remove_datadir(engine: Engine, dbid: int) -> str:
    row = engine.row(dbid)
    engine.servers.kill(dbid)
    shutil.rmtree(row.datadir, ignore_errors=True)
    return f"dbid {dbid} was killed and {row.datadir} removed."


def _datadir_mode(mode: int) -> Callable[[Engine, int], str]:
    def change(engine: Engine, dbid: int) -> str:
        datadir = Path(engine.row(dbid).datadir)
        datadir.chmod(mode)
        return f"{datadir} has mode {mode:04o}."

    return change


def _disk(full: bool) -> Callable[[Engine, str], str]:
    def change(engine: Engine, host: str) -> str:
        _hosts(engine).set_full(host, full)
        return f"The file system of {host} is {'full' if full else 'as it is'}."

    return change


def _slow(engine: Engine, seconds: float | None) -> str:
    engine.broken.slow_resync = float(seconds or 0)
    return f"Resynchronizations take {engine.broken.slow_resync:g} s longer."


def _rewind_fails(engine: Engine, dbid: int) -> str:
    engine.broken.rewind_fails.add(engine.row(dbid).dbid)
    return f"pg_rewind of dbid {dbid} will find its WAL gone."


def _rewind_works(engine: Engine, dbid: int) -> str:
    engine.broken.rewind_fails.discard(dbid)
    return f"pg_rewind of dbid {dbid} works, if it was not tried in between."


def _flap(engine: Engine, content: int) -> str:
    engine.broken.flapping.add(content)
    return f"The mirror of content {content} dies whenever it is in sync."


def _no_flap(engine: Engine, content: int) -> str:
    engine.broken.flapping.discard(content)
    return f"The mirror of content {content} lives."


def _lie(engine: Engine, lie: str) -> str:
    engine.broken.lies.add(lie)
    return f"From now on: {lie.replace('-', ' ')}."


def _honest(engine: Engine, lie: str) -> str:
    engine.broken.lies.discard(lie)
    return f"No longer: {lie.replace('-', ' ')}."


_HOLDS_THE_LOCK = "import time; time.sleep(86400)"


def _lock(engine: Engine) -> Path:
    return pid_file(engine.release, Path(engine.coordinator.datadir))


def _hold_lock(engine: Engine, _: None) -> str:
    name = str(engine.folder / "greenplum" / "bin" / "gprecoverseg")
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDS_THE_LOCK, name, "-a"],
        stdin=subprocess.DEVNULL,
        env={CLUSTER_VARIABLE: str(engine.folder)},
    )
    return _write_lock(engine, holder.pid)


def _stale_lock(engine: Engine, _: None) -> str:
    dead = subprocess.Popen(["/bin/sh", "-c", ":"])
    dead.wait()
    return _write_lock(engine, dead.pid)


def _write_lock(engine: Engine, pid: int) -> str:
    lock = _lock(engine)
    lock.parent.mkdir(exist_ok=True)
    lock.write_text(f"{pid}\n")
    return f"{lock} names process {pid}."


def _free_lock(engine: Engine, _: None) -> str:
    lock = _lock(engine)
    if lock.exists():
        pid = int(lock.read_text())
        if alive(pid) and _HOLDS_THE_LOCK not in command_of(pid):
            return f"{lock} belongs to a gprecoverseg that is at work."
        end(pid, carrying=_HOLDS_THE_LOCK)
        release(engine.release, Path(engine.coordinator.datadir))
    return f"{lock} is gone."


def _hangs(on: bool) -> Callable[[Engine, None], str]:
    def change(engine: Engine, _: None) -> str:
        engine.broken.gprecoverseg_hangs = on
        mark = engine.folder / "run" / "gprecoverseg.hangs"  # which the stand-in's shim looks at
        mark.touch() if on else mark.unlink(missing_ok=True)
        return f"gprecoverseg {'hangs' if on else 'ends'}."

    return change


def _hide_replication(engine: Engine, content: int) -> str:
    engine.primary(content)
    engine.rows.execute(
        "INSERT INTO gpmedic_practice.hidden_replication VALUES (%s) ON CONFLICT DO NOTHING", (content,)
    )
    engine.broken.hidden_replication.add(content)
    return f"gp_stat_replication has no row for content {content}."


def _show_replication(engine: Engine, content: int) -> str:
    engine.rows.execute("DELETE FROM gpmedic_practice.hidden_replication WHERE content = %s", (content,))
    engine.broken.hidden_replication.discard(content)
    return f"gp_stat_replication shows content {content}."


def _refuse_replication(engine: Engine, content: int) -> str:
    if engine.release.generation is not Generation.WAL:
        raise PracticeError("The mirrors of 4.3 do not stream, and no pg_hba.conf lets them in.")
    _rewrite_hba(engine, content, lambda line: f"#refused {line}" if line.startswith("local replication") else line)
    engine.broken.refused_replication.add(content)
    engine.servers.ask(engine.primary(content), "SELECT pg_terminate_backend(pid) FROM pg_stat_replication")
    return f"pg_hba.conf of the acting primary of content {content} has no entry for replication."


def _let_replication_in(engine: Engine, content: int) -> str:
    _rewrite_hba(engine, content, lambda line: line.removeprefix("#refused "))
    engine.broken.refused_replication.discard(content)
    return f"The mirror of content {content} may stream."


def _rewrite_hba(engine: Engine, content: int, change: Callable[[str], str]) -> None:
    for row in engine.pair(content):
        entries = Path(row.datadir) / "pg_hba.conf"
        with contextlib.suppress(FileNotFoundError):  # a directory may have been taken away
            entries.write_text("".join(f"{change(line)}\n" for line in entries.read_text().splitlines()))
        engine.servers.hang_up(row.dbid)


def _ssh(state: SshState) -> Callable[[Engine, str], str]:
    def change(engine: Engine, host: str) -> str:
        _hosts(engine).set_ssh(host, state)
        return f"ssh of {host}: {state.value}."

    return change


_KINDS: dict[Fault, _Kind] = {
    Fault.KILL_PRIMARY: _Kind(lambda e, c: _killed(e, e.primary(c)), _gprecoverseg_heals),
    Fault.KILL_MIRROR: _Kind(lambda e, c: _killed(e, e.pair(c)[1]), _gprecoverseg_heals),
    # The mirror first, and at once the primary: FTS must not come in between and promote.
    Fault.KILL_BOTH: _Kind(lambda e, c: _killed(e, *reversed(e.pair(c))), _start_both),
    Fault.KILL_STANDBY: _Kind(_kill_standby, _start_standby),
    Fault.KILL_COORDINATOR: _Kind(lambda e, _: _killed(e, e.coordinator), _start_coordinator),
    Fault.HOST_DOWN: _Kind(_host_down, _host_up),
    Fault.DATADIR_REMOVED: _Kind(_remove_datadir, _gprecoverseg_heals),
    Fault.DATADIR_MODE: _Kind(_datadir_mode(0o755), _datadir_mode(0o700)),
    Fault.DISK_FULL: _Kind(_disk(True), _disk(False)),
    Fault.SLOW_RESYNC: _Kind(_slow, _slow),
    Fault.REWIND_FAILS: _Kind(_rewind_fails, _rewind_works),
    Fault.FLAPPING: _Kind(_flap, _no_flap),
    Fault.LOCK_HELD: _Kind(_hold_lock, _free_lock),
    Fault.LOCK_STALE: _Kind(_stale_lock, _free_lock),
    Fault.GPRECOVERSEG_HANGS: _Kind(_hangs(True), _hangs(False)),
    Fault.REPLICATION_ROW_MISSING: _Kind(_hide_replication, _show_replication),
    Fault.REPLICATION_REFUSED: _Kind(_refuse_replication, _let_replication_in),
    Fault.UTILITY_LIES: _Kind(_lie, _honest),
    Fault.SSH_REFUSED: _Kind(_ssh(SshState.REFUSED), _ssh(SshState.NORMAL)),
    Fault.SSH_SILENT: _Kind(_ssh(SshState.SILENT), _ssh(SshState.NORMAL)),
    Fault.SSH_BANNER: _Kind(_ssh(SshState.BANNER), _ssh(SshState.NORMAL)),
    Fault.SSH_CUT: _Kind(_ssh(SshState.CUT), _ssh(SshState.NORMAL)),
    Fault.SSH_WRONG_KEY: _Kind(_ssh(SshState.WRONG_KEY), _ssh(SshState.NORMAL)),
}
