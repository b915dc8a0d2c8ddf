"""`gpmedic setup`: register a cluster after every access was tried, and make what it needs on the Prefect server."""

import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gpmedic.check import Verdict
from gpmedic.doctor import NEEDS, Access, Finding, examine, to_fix
from gpmedic.errors import AccessRefused, GpmedicError
from gpmedic.policy import Automation
from gpmedic.settings import ClusterSettings, clusters_folder, parse_cluster

if TYPE_CHECKING:
    from gpmedic.access.ssh import Shell
    from gpmedic.settings import SshSettings

_UNKNOWN: Final = "unknown"
_NEED_GREENPLUM: Final = frozenset({Access.UTILITIES, Access.OWNER, Access.DATA_DIRECTORY, Access.SEGMENT_HOSTS})
_SERVER: Final = frozenset({Access.PREFECT, Access.PREFECT_LOGIN, Access.PREFECT_VERSION})


def setup(
    name: Annotated[str | None, typer.Argument(help="What gpmedic shall call the cluster.")] = None,
    *,
    from_file: Annotated[Path | None, typer.Option("--from", help="A TOML file with settings.")] = None,
    db_host: Annotated[str | None, typer.Option(help="The coordinator.")] = None,
    db_port: Annotated[int | None, typer.Option(help="Its port; 5432.")] = None,
    db_user: Annotated[str | None, typer.Option(help="The Greenplum administrator; gpadmin.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="Its password, in .pgpass format, mode 0600.")] = None,
    sslmode: Annotated[str | None, typer.Option(help="As libpq knows it; prefer.")] = None,
    ssh_host: Annotated[str | None, typer.Option(help="The coordinator's host; as --db-host.")] = None,
    ssh_port: Annotated[int | None, typer.Option(help="Its port; 22.")] = None,
    ssh_user: Annotated[str | None, typer.Option(help="The owner of Greenplum; gpadmin.")] = None,
    identity_file: Annotated[Path | None, typer.Option(help="A private key; else the SSH agent is asked.")] = None,
    known_hosts: Annotated[Path | None, typer.Option(help="~/.ssh/known_hosts.")] = None,
    home: Annotated[str | None, typer.Option(help="GPHOME; else the host is asked.")] = None,
    data_directory: Annotated[str | None, typer.Option(help="The coordinator's; else the database is asked.")] = None,
    slack_channel: Annotated[str | None, typer.Option(help="A channel's id, as C0123456789.")] = None,
    approver: Annotated[list[str] | None, typer.Option(help="A Slack user's or group's id; may be repeated.")] = None,
    automation: Annotated[Automation | None, typer.Option(help="observe_only where nothing is said.")] = None,
    block: Annotated[bool, typer.Option("--block", help="Save the block on the Prefect server too.")] = False,
    deploy: Annotated[bool, typer.Option("--deploy", help="Make work pool, deployments and automation.")] = False,
) -> None:
    """Register a cluster: asks for what is not said, tries every access, saves only what works.

    Run again it changes what is said anew and leaves the rest, in the file or, where there is only one, in the
    block; nothing is made twice. Passwords are typed, or stand in a file.

    \b
    Exit code 0: saved
              1: something to fix first; nothing was saved
              2: error
    """
    said: dict[str, dict[str, Any]] = {
        "database": {
            "host": db_host,
            "port": db_port,
            "user": db_user,
            "password_file": _path(password_file),
            "sslmode": sslmode,
        },
        "ssh": {
            "host": ssh_host,
            "port": ssh_port,
            "user": ssh_user,
            "identity_file": _path(identity_file),
            "known_hosts": _path(known_hosts),
        },
        "greenplum": {"home": home, "coordinator_data_directory": data_directory},
        "policy": {"automation": automation.value if automation else None},
        "slack": {"channel": slack_channel, "approvers": approver or None},
    }
    _set_up(name, from_file, _without_gaps(said), block=block, deploy=deploy)


def _set_up(name: str | None, from_file: Path | None, said: dict[str, Any], *, block: bool, deploy: bool) -> None:
    import tomlkit

    from gpmedic.access import cluster_file

    asking = sys.stdin.isatty()
    wanted: Mapping[str, Any] = _readable(from_file) if from_file else {}
    name = name or wanted.get("name") or (typer.prompt("Name of the cluster") if asking else None)
    if not isinstance(name, str) or not name:
        raise AccessRefused("No name was given for the cluster; nothing was saved.", "Say it: gpmedic setup NAME ...")
    path = clusters_folder() / _file_name(name)
    document = cluster_file.read(path)
    in_block = None if document or from_file else _in_block(name)
    if in_block is not None:
        cluster_file.merge(document, _said_by(in_block))
    if not document and not from_file and asking:
        _ask(said)
    cluster_file.merge(document, {"name": name} | {k: v for k, v in wanted.items() if k != "name"})
    _fill_gaps(document, said)
    cluster_file.merge(document, said)
    provisional = parse_cluster(
        tomlkit.dumps(_with_placeholders(document)),
        f"What is said of {name}",
        "Say what is missing (--db-host and others, see gpmedic setup --help), or correct it; nothing was saved.",
    )
    found = _discovered(provisional, asking=asking)
    if not isinstance(found, GpmedicError):
        cluster_file.merge(document, {"greenplum": found})
    text = tomlkit.dumps(_with_placeholders(document) if isinstance(found, GpmedicError) else document)
    settings = parse_cluster(text, f"What is said of {name}")
    findings = _tried(
        settings, known=not isinstance(found, GpmedicError), server=block or deploy or in_block is not None
    )
    if isinstance(found, GpmedicError) and not to_fix(findings):
        findings = (*findings, Finding(Access.UTILITIES, Verdict.FAIL, found.message, found.next_action))
    if any(NEEDS[one.access].keeps_from_saving for one in to_fix(findings)):
        _show(name, findings)
        print("Nothing was saved.")
        raise typer.Exit(1)
    _show(name, findings)
    if in_block is None:
        print(f"Saved as {path}." if cluster_file.save(path, text) else f"{path} says so already.")
    elif settings == in_block:
        print("Its block says so already.")
    if block or settings != (in_block or settings):
        _save_block(settings)
    if deploy:
        _deploy(name)
    print(f"Next: gpmedic {'status' if in_block is None else 'doctor'} {name}")


def _in_block(name: str) -> ClusterSettings | None:
    from gpmedic.cli.registered import only_in_block

    return only_in_block(name)


def _said_by(settings: ClusterSettings) -> dict[str, Any]:
    """As a file would say it; with its password, for what comes of it is never written into one."""
    said: dict[str, Any] = settings.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    if settings.database.password is not None:
        said["database"]["password"] = settings.database.password.get_secret_value()
    return said


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path if str(path).startswith("~") else path.absolute())


def _without_gaps(said: dict[str, dict[str, Any]]) -> dict[str, Any]:
    told = {section: {k: v for k, v in values.items() if v is not None} for section, values in said.items()}
    return {section: values for section, values in told.items() if values}


def _readable(file: Path) -> dict[str, Any]:
    from gpmedic.access import cluster_file

    if not file.exists():
        raise AccessRefused(f"There is no file {file}; nothing was saved.", "Correct --from.")
    return cluster_file.read(file).unwrap()


def _file_name(name: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    from gpmedic.settings import ClusterName

    try:
        return f"{TypeAdapter(ClusterName).validate_python(name)}.toml"
    except ValidationError:
        action = "Use letters, digits, dashes and underscores, at most 63."
        raise AccessRefused(f"{name!r} cannot be the name of a cluster; nothing was saved.", action) from None


def _ask(said: dict[str, Any]) -> None:
    """Ask for what was not said; a password is not shown."""
    database, ssh = said.setdefault("database", {}), said.setdefault("ssh", {})
    _prompt(database, "host", "Host of the coordinator's database")
    _prompt(database, "port", "Its port", 5432)
    _prompt(database, "user", "User of the database (the Greenplum administrator)", "gpadmin")
    if "password_file" not in database:
        password = typer.prompt(
            "Its password (Enter: none, or it is in ~/.pgpass)", "", hide_input=True, show_default=False
        )
        if password:
            database["password"] = password
    _prompt(ssh, "host", "Host for ssh", database["host"])
    _prompt(ssh, "port", "Its ssh port", 22)
    _prompt(ssh, "user", "User for ssh (the owner of Greenplum)", "gpadmin")
    _prompt(ssh, "identity_file", "Private key (Enter: the SSH agent, or the usual ones)", "")
    slack = said.get("slack", {})
    _prompt(slack, "channel", "Slack channel, by its id (Enter: no Slack)", "")
    if slack.get("channel"):
        if "approvers" not in slack:
            slack["approvers"] = (
                typer.prompt("Who may approve there (ids of users and groups)").replace(",", " ").split()
            )
        said["slack"] = slack


def _prompt(values: dict[str, Any], key: str, question: str, default: str | int | None = None) -> None:
    if key not in values:
        answer = typer.prompt(question, default=default, show_default=default != "")
        if answer != "":
            values[key] = answer


def _fill_gaps(document: Any, said: dict[str, Any]) -> None:
    """What follows from the rest is said too: who reads the file shall see it."""
    host = said.get("database", {}).get("host") or document.get("database", {}).get("host")
    if host is not None and "host" not in document.get("ssh", {}):
        said["ssh"] = {"host": host} | said.get("ssh", {})
    if "automation" not in document.get("policy", {}):
        said["policy"] = {"automation": Automation.OBSERVE_ONLY.value} | said.get("policy", {})


def _with_placeholders(document: Any) -> dict[str, Any]:
    values: dict[str, Any] = document.unwrap()
    unknown = {"home": _UNKNOWN, "coordinator_data_directory": _UNKNOWN}
    return values | {"greenplum": unknown | values.get("greenplum", {})}


def _discovered(provisional: ClusterSettings, *, asking: bool) -> dict[str, str] | GpmedicError:
    """GPHOME and data directory; the error where they are not known and cannot be found out."""
    from gpmedic.access.discover import discover
    from gpmedic.access.sql import Database

    said = {key: "" if value == _UNKNOWN else value for key, value in provisional.greenplum.model_dump().items()}
    try:
        with ExitStack() as stack:
            shell = stack.enter_context(_logged_in(provisional.ssh, asking=asking))
            if all(said.values()):
                return said
            database = stack.enter_context(Database.connect(provisional.database))
            return discover(database, shell, **said).model_dump()
    except GpmedicError as error:
        return said if all(said.values()) else error  # the checks will say what is wrong


def _logged_in(ssh: "SshSettings", *, asking: bool) -> "Shell":
    from gpmedic.access.ssh import Shell
    from gpmedic.access.ssh_login import UnknownHostKey

    try:
        return Shell.connect(ssh)
    except UnknownHostKey as error:
        if not asking:
            raise
        print(error)
        if not typer.confirm(f"Is {error.fingerprint} the key of {ssh.host}?", default=False):
            raise
        error.remember()
    return Shell.connect(ssh)


def _tried(settings: ClusterSettings, *, known: bool, server: bool) -> tuple[Finding, ...]:
    from gpmedic.access.doctor import Visit

    with Visit(settings) as visit:
        checks = {a: c for a, c in visit.checks.items() if known or a not in _NEED_GREENPLUM}
        findings = tuple(examine(checks))
    if not server:
        return findings
    from gpmedic.cli.approvals import require_server
    from gpmedic.cli.recover import quiet_prefect

    quiet_prefect()
    require_server()
    from flows.deployed import PrefectVisit

    checks = {a: c for a, c in PrefectVisit(settings.name).checks.items() if a in _SERVER}
    return (*findings, *examine(checks, findings))


def _show(name: str, findings: Iterable[Finding]) -> None:
    from gpmedic.cli.doctor import show

    show(name, findings)


def _save_block(settings: ClusterSettings) -> None:
    from blocks.greenplum import save_cluster
    from blocks.slack_app import SlackApp

    SlackApp.register_type_and_schema()
    print(f"Saved as block {save_cluster(settings)}.")


def _deploy(name: str) -> None:
    from flows.deployed import PrefectVisit, deploy

    for line in deploy(name):
        print(f"Deployed: {line}.")
    checks = {a: c for a, c in PrefectVisit(name).checks.items() if a not in _SERVER}
    for finding in examine(checks, [Finding(Access.PREFECT_LOGIN, Verdict.PASS, "")]):
        print(finding.line)
