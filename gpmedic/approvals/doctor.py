"""Whether Slack is ready for a cluster's approvals, and what its runs are at; nothing is posted."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property

from blocks.slack_app import DEFAULT, SlackApp, load_app
from flows.deployed import answered
from gpmedic.access.slack import Slack, SlackAway, try_app_token
from gpmedic.alarms import Raised
from gpmedic.amounts import duration
from gpmedic.approvals.alarms import alarms, look_at_runs
from gpmedic.approvals.view import look
from gpmedic.check import Verdict
from gpmedic.doctor import Access, Check, Seen
from gpmedic.errors import AccessRefused
from gpmedic.settings import ClusterSettings, SlackSettings


def require_approvers(slack: Slack, name: str, wanted: SlackSettings) -> None:
    """Return where Slack knows everybody who may decide on this cluster.

    Raises:
        AccessRefused: somebody is not known.
        SlackAway: it does not answer.
    """
    for who in sorted(wanted.approvers | wanted.high_risk_approvers):
        try:
            slack.know(who)
        except AccessRefused as error:
            raise AccessRefused(
                f"The approver {who} of {name} is not known: {error.message}",
                f"Correct slack.approvers of {name}: a person's id (U...) is under Profile, Copy member ID.",
            ) from None


class RunsVisit:
    """The check of what becomes of gpmedic's own runs on a cluster."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster

    @property
    def checks(self) -> Mapping[Access, Check]:
        """What to give to `gpmedic.doctor.examine`."""
        return {Access.RUNS: lambda: answered(self._check_runs)}

    def _check_runs(self) -> Seen:
        raised = alarms(look(self._cluster), look_at_runs())
        if not raised:
            return Seen("None is late, stuck or crashed.")
        return Seen(" ".join(map(_told, raised)), Verdict.FAIL, raised[0].next_action)


def _told(alarm: Raised) -> str:
    return f"{alarm.sentence} ({duration((datetime.now(UTC) - alarm.since).total_seconds())})"


class SlackVisit:
    """The checks of Slack for one cluster.

    Args:
        app: the block gpmedic-slack-app on the Prefect server.
    """

    def __init__(self, settings: ClusterSettings, app: str = DEFAULT) -> None:
        self._settings = settings
        self._app_name = app

    @property
    def checks(self) -> Mapping[Access, Check]:
        """What to give to `gpmedic.doctor.examine`, in this order."""
        return {
            Access.SLACK_APP: self._check_app,
            Access.SLACK_CLICKS: self._check_clicks,
            Access.SLACK_CHANNEL: self._check_channel,
            Access.APPROVERS: self._check_approvers,
        }

    @property
    def _wanted(self) -> SlackSettings:
        assert self._settings.slack is not None  # noqa: S101 (else the app is not checked, nor what needs it)
        return self._settings.slack

    @cached_property
    def _app(self) -> SlackApp:
        return load_app(self._app_name)

    @cached_property
    def _slack(self) -> Slack:
        return self._app.connect()

    def _check_app(self) -> Seen:
        if self._settings.slack is None:
            return Seen("not used: no [slack] stands in the cluster's settings.", verdict=None)
        try:
            us = self._slack.who_am_i()
        except SlackAway as error:
            return Seen(f"Slack {error.what}.", Verdict.FAIL, f"See what keeps this host from {self._app.api_url}.")
        return Seen(f"Slack knows the app as {us}.")

    def _check_clicks(self) -> Seen:
        if self._app.app_token is not None:
            try_app_token(self._app.app_token.get_secret_value(), self._app.api_url)
            return Seen("The app-level token opens a socket.")
        if self._app.signing_secret is not None:
            return Seen("A signing secret is saved; whether it is right, only a click shows.")
        action = "Run: gpmedic approvals connect"
        return Seen("The block has neither an app-level token nor a signing secret.", Verdict.FAIL, action)

    def _check_channel(self) -> Seen:
        self._slack.know_channel(self._wanted.channel)
        return Seen(f"{self._wanted.channel} is known to the app.")

    def _check_approvers(self) -> Seen:
        require_approvers(self._slack, self._settings.name, self._wanted)
        return Seen("Slack knows all of them.")
