"""A suspended run that nobody answered: the server fails it without running any of our code, so others report it."""

from flows.journal import open_journal
from flows.page import ended_early
from gpmedic.artifacts import Kind
from gpmedic.errors import NotApproved
from gpmedic.report import report_markdown
from gpmedic.settings import ClusterSettings
from tasks.answers import Answers, Word
from tasks.approve import SILENCE_ADVICE
from tasks.notify import Level, Phase, announce, tell
from tasks.publish import publish_markdown
from tasks.question import newest_request
from tasks.silence import Unanswered, find_unanswered, mark_reported


def report_silence(settings: ClusterSettings) -> None:
    """Publish what each run of this cluster had noted when its question expired, once, with its next action."""
    for unanswered in find_unanswered(settings.name):
        try:
            _report(settings, unanswered)
        except Exception as error:  # as of what another version has kept: it must not end each health check to come
            what = f"What recovery run {unanswered.name} had noted cannot be read ({type(error).__name__})."
            advice = f"Nobody answered it in time; look at it in Prefect. {SILENCE_ADVICE}"
            tell(Phase.REPORT, f"{what} {advice}", Level.WARNING)
        mark_reported(unanswered.run)


def _report(settings: ClusterSettings, unanswered: Unanswered) -> None:
    journal, question = open_journal(settings.name, unanswered.run), newest_request(unanswered.run)
    what = "its question" if question is None else question.proposal.step
    error = NotApproved(
        f"Nobody answered {what} of recovery run {unanswered.name} in time, which is a no; it was not run.",
        SILENCE_ADVICE,
    )
    if question is not None:
        answers = Answers(question.proposal, journal.answered)
        if question.approved_by is not None:  # the second question is asked when the first person has said yes
            answers.yes(Word(question.approved_by, question.asked_at))
        answers.silence(question.expires_at, question.asked_at)
    report = journal.report(ended_early(error, journal), error)
    publish_markdown(Kind.RECOVERY, settings.name, report_markdown(report), f"Recovery of {settings.name}")
    told = {"error": report.error, "next_action": report.next_action, "run": unanswered.name}
    announce(settings.name, f"recovery.{report.outcome}", told)
    tell(Phase.REPORT, str(error), Level.WARNING)
