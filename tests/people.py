"""Those who answer in tests, and what they have given."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from prefect.client.orchestration import get_client

from flows import attend
from gpmedic.access.environment import prelude
from gpmedic.access.ssh import Shell
from gpmedic.practice import PracticeCluster
from tasks.approve import Answer, Approval, Request


class Operator:
    """Says yes, and keeps what was asked."""

    def __init__(self, reason: str = "") -> None:
        self.asked: list[Request] = []
        self._reason = reason

    def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer(decision="yes", operator="anna", reason=self._reason)

    @property
    def steps(self) -> list[str]:
        """The names of the steps that were asked for."""
        return [request.proposal.step for request in self.asked]


def give(run: UUID, answer: Answer) -> None:
    """Answer the question that the run is paused for; nothing where it is not."""
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run).state
    if state is not None and state.is_paused():
        attend.give(run, answer.model_copy(update={"question": state.state_details.pause_key}))


def approval(
    fingerprint: str,
    step: str = "recover",
    argv: tuple[str, ...] = ("gprecoverseg", "-a"),
    dbids: tuple[int, ...] = (8,),
    seconded_by: str | None = None,
) -> Approval:
    """Anna's yes of this moment."""
    now = datetime.now(UTC)
    return Approval(
        step=step,
        fingerprint=fingerprint,
        argv=argv,
        dbids=dbids,
        operator="anna",
        reason="",
        decided_at=now,
        expires_at=now + timedelta(minutes=5),
        seconded_by=seconded_by,
    )


def by_hand(practice: PracticeCluster, *argv: str) -> str:
    """What a person types on the coordinator's host."""
    settings = practice.settings
    with Shell.connect(settings.ssh) as shell:
        script = f'{prelude(settings.greenplum, practice.facts().coordinator.port)}\nexec "$@"'
        return shell.run(script, *argv).stdout


def kill_in_the_middle_of_a_copy(practice: PracticeCluster, dbid: int) -> None:
    """Kill -9 what a person has started on the coordinator's host, while it copies this segment and has told so."""
    settings, home = practice.settings, practice.folder / "hosts" / "mdw"
    told = home / "gpAdminLogs" / "recovery_progress.file"
    with subprocess.Popen(
        ["/bin/sh", "-c", f"{prelude(settings.greenplum, settings.database.port)}exec gprecoverseg -aF"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "USER": "gpadmin"},
        stdout=subprocess.DEVNULL,
    ) as killed:
        practice.wait_until(lambda facts: facts.segment(dbid).copying is not None and f":{dbid}:" in _text(told))
        killed.kill()


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""
