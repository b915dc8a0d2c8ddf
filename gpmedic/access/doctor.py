"""Tries each access of a cluster, one check an access; changes nothing."""

import re
import stat
import time
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from gpmedic.access import facts
from gpmedic.access.brake import pulled
from gpmedic.access.freshness import Freshness
from gpmedic.access.observe import (
    HostLook,
    Snapshot,
    look_at_host,
    require_one_cluster,
    require_superuser,
    take_snapshot,
)
from gpmedic.access.scripts import script
from gpmedic.access.sql import Database
from gpmedic.access.ssh import Shell
from gpmedic.capabilities import Capabilities, Support, parse_version
from gpmedic.catalog import (
    HISTORY_SQL,
    REPLICATION_COLUMNS_SQL,
    VERSION_SQL,
    columns_from_rows,
    replication_sql,
)
from gpmedic.check import Verdict
from gpmedic.cluster import Segment
from gpmedic.doctor import Access, Check, Seen
from gpmedic.errors import GpmedicError, Transient, UnreadableOutput
from gpmedic.policy import Automation
from gpmedic.precheck import CLOCK_TOLERANCE, judge_hosts
from gpmedic.settings import ClusterSettings

_NEEDED_TOOLS: Final = ("awk", "date", "mktemp", "nohup", "ps", "sed", "ssh", "wc")
_BETTER_TOOLS: Final = ("flock", "setsid", "ping")
"""Without them gpmedic goes on in a poorer way, as on macOS."""
_DEADLINES: Final = ("timeout", "perl")
_SUPERUSER_SQL: Final = "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"
_SECRET_BITS: Final = stat.S_IRWXG | stat.S_IRWXO


class Visit:
    """One round of checks on a cluster; its session and its login are opened once, by the checks that try them.

    Args:
        file: where the settings come from; None where that is no file.
        source: its name, or that of what they come from instead; empty where they are not saved yet.
    """

    def __init__(self, settings: ClusterSettings, file: Path | None = None, source: str = "") -> None:
        self._settings = settings
        self._file = file
        self._source = source
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def checks(self) -> Mapping[Access, Check]:
        """What to give to `gpmedic.doctor.examine`, in this order."""
        return {
            Access.SETTINGS: self._check_settings,
            Access.SECRETS: self._check_secrets,
            Access.DATABASE: self._check_database,
            Access.GREENPLUM: self._check_greenplum,
            Access.ROLE: self._check_role,
            Access.CATALOG: self._check_catalog,
            Access.SSH: self._check_ssh,
            Access.STATE_FOLDER: self._check_state_folder,
            Access.TOOLS: self._check_tools,
            Access.CLOCK: self._check_clock,
            Access.UTILITIES: self._check_utilities,
            Access.OWNER: self._check_owner,
            Access.DATA_DIRECTORY: self._check_data_directory,
            Access.SEGMENT_HOSTS: self._check_segment_hosts,
            Access.POLICY: self._check_policy,
            Access.BRAKE: self._check_brake,
        }

    @cached_property
    def _database(self) -> Database:
        return self._stack.enter_context(Database.connect(self._settings.database))

    @cached_property
    def _shell(self) -> Shell:
        return self._stack.enter_context(Shell.connect(self._settings.ssh))

    @cached_property
    def _snapshot(self) -> Snapshot:
        return take_snapshot(self._settings, self._database, Freshness.AS_IT_IS)

    @cached_property
    def _look(self) -> HostLook:
        return look_at_host(self._settings, self._shell, self._snapshot_coordinator, ask_options=True)

    @property
    def _snapshot_coordinator(self) -> Segment | None:
        try:
            return self._snapshot.cluster.coordinator
        except GpmedicError:  # the database has a check of its own
            return None

    @cached_property
    def _account(self) -> tuple[str, float, float]:
        """What doctor.sh prints, and this machine's clock before and after."""
        before = time.time()
        tools = " ".join((*_NEEDED_TOOLS, *_BETTER_TOOLS, *_DEADLINES))
        done = self._shell.run(script("doctor"), tools)
        if "\nfolder " not in done.stdout:
            raise UnreadableOutput("gpmedic's look at its account", (done.stderr or done.stdout).strip()[-200:])
        return done.stdout, before, time.time()

    def _said(self, key: str) -> list[str]:
        return re.findall(rf"^{key} (.+)$", self._account[0], re.MULTILINE)

    def _check_settings(self) -> Seen:
        return Seen(f"{self._source} is valid." if self._source else "They are valid.")

    def _check_secrets(self) -> Seen:
        database, ssh = self._settings.database, self._settings.ssh
        secret = {"the database password": self._file if database.password is not None else None}
        secret["the private key"] = ssh.identity_file
        for what, path in ((what, file.expanduser()) for what, file in secret.items() if file is not None):
            if path.exists() and path.stat().st_mode & _SECRET_BITS:
                return Seen(f"{path} holds {what}, and others may read it.", Verdict.FAIL, f"Run: chmod 600 {path}")
        if database.password is not None and self._source and self._file is None:
            detail = "The block holds the database password, and the server gives it to whoever may use its API."
            return Seen(detail, Verdict.WARN, "Let the API want a login, or name a password_file on the worker.")
        return Seen("No file with a secret can be read by others.")

    def _check_database(self) -> Seen:
        database = self._settings.database
        tls = "with TLS" if self._database.encrypted else f"without TLS (sslmode {database.sslmode})"
        return Seen(f"{database.user} is let in at {database.host}:{database.port}, {tls}.")

    def _check_greenplum(self) -> Seen:
        version = parse_version(str(self._database.rows(VERSION_SQL)[0]["version"]))
        if Capabilities(version).support is Support.OBSERVES:
            action = "Use gpmedic there to look: it does not act on versions that it was not held against."
            return Seen(f"{version} is observed and never acted on.", Verdict.WARN, action)
        return Seen(f"{version}.")

    def _check_role(self) -> Seen:
        user = self._settings.database.user
        if self._database.rows(_SUPERUSER_SQL)[0]["rolsuper"]:
            return Seen(f"{user} is a superuser.")
        detail = f"{user} is no superuser, and so sees neither the state of the replication nor postmaster.pid."
        return Seen(detail, Verdict.FAIL, "Set database.user to the Greenplum administrator (gpadmin).")

    def _check_catalog(self) -> Seen:
        segments = self._snapshot.cluster.segments
        self._database.rows(HISTORY_SQL)
        replication = replication_sql(columns_from_rows(self._database.rows(REPLICATION_COLUMNS_SQL)))
        if replication is not None:
            try:
                self._database.rows(replication)
            except Transient as error:  # fails as a whole while a primary is dead
                return Seen(f"{len(segments)} rows; {error.message}", Verdict.WARN, error.next_action)
        return Seen(f"{len(segments)} rows, their history and their replication can be read.")

    def _check_ssh(self) -> Seen:
        ssh = self._settings.ssh
        done = self._shell.run("exit 0")
        if done.noise:
            detail = f"{ssh.user}@{ssh.host} is let in, and its login scripts print {done.noise.strip()[:80]!r}."
            action = "Silence them: gpmedic copes with it, Greenplum's own utilities may not."
            return Seen(detail, Verdict.WARN, action)
        return Seen(f"{ssh.user} is let in at {ssh.host}:{ssh.port}; its host key is known.")

    def _check_state_folder(self) -> Seen:
        (folder,) = self._said("folder")
        refused = self._said("unwritable")
        if refused:
            action = f"See whether the disk is full (df), and make it a folder of {self._settings.ssh.user}."
            return Seen(f"{', '.join(refused)} cannot be written on {self._shell.host}.", Verdict.FAIL, action)
        return Seen(f"{folder} can be written; nothing was left there.")

    def _check_tools(self) -> Seen:
        found = set(self._said("tool"))
        missing = [tool for tool in _NEEDED_TOOLS if tool not in found]
        if not found & set(_DEADLINES):
            missing.append(" or ".join(_DEADLINES))
        if missing:
            action = f"Install them on {self._shell.host}, in the PATH of a login without a terminal."
            return Seen(f"There is no {', no '.join(missing)}.", Verdict.FAIL, action)
        poorer = [tool for tool in _BETTER_TOOLS if tool not in found]
        if poorer:
            action = f"Install them on {self._shell.host} (util-linux, iputils); gpmedic goes on without."
            return Seen(f"There is no {', no '.join(poorer)}.", Verdict.WARN, action)
        return Seen("All are there.")

    def _check_clock(self) -> Seen:
        _, before, after = self._account
        clock = int(self._said("clock")[0])
        skew = min(clock + 1 - before, 0) + max(clock - after, 0)
        if abs(skew) > CLOCK_TOLERANCE:
            detail = f"The clock of {self._shell.host} is {skew:+.0f} s from that of this machine."
            return Seen(detail, Verdict.WARN, "Set the clocks: reports could not be put in order.")
        return Seen("Fits that of this machine.")

    def _check_utilities(self) -> Seen:
        look, home = self._look, self._settings.greenplum.home
        if not look.recover_options:
            detail = f"`gprecoverseg --help` of {home} says nothing that gpmedic can read."
            return Seen(detail, Verdict.FAIL, f"Run it on {self._shell.host}: see whether {home} is complete.")
        return Seen(f"{look.gpstate} is there; gprecoverseg tells its options.")

    def _check_owner(self) -> Seen:
        require_superuser(self._settings, self._snapshot, self._look)
        return Seen(f"{self._look.user} runs this Greenplum.")

    def _check_data_directory(self) -> Seen:
        require_one_cluster(self._settings, self._snapshot.identity, self._look.coordinator)
        return Seen(f"{self._settings.greenplum.coordinator_data_directory} is that of the database.")

    def _check_segment_hosts(self) -> Seen:
        cluster = self._snapshot.cluster
        judged = judge_hosts(cluster, facts.gather(self._settings, self._shell, cluster))
        for verdict in (Verdict.FAIL, Verdict.WARN):
            bad = [check for check in judged if check.verdict is verdict]
            if bad:
                detail = "; ".join(f"{check.target}: {check.detail}" for check in bad)
                return Seen(f"{detail}.", verdict, " ".join(dict.fromkeys(check.next_action for check in bad)))
        return Seen(f"All {len(cluster.hosts)} hosts answer, silently, with one Greenplum.")

    def _check_policy(self) -> Seen:
        if self._settings.policy.automation is Automation.OBSERVE_ONLY:
            action = f'When it may recover with your approval: policy.automation = "{Automation.WITH_APPROVAL}".'
            return Seen("gpmedic only observes this cluster (policy.automation).", Verdict.WARN, action)
        return Seen("Each disruptive step needs an approval.")

    def _check_brake(self) -> Seen:
        why = pulled(self._shell, self._settings)
        if why is not None:
            action = f"When whoever pulled it agrees: gpmedic brake off {self._settings.name}."
            return Seen(f"It is on: {why}", Verdict.WARN, action)
        return Seen("It is off.")
