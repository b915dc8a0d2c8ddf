"""A cluster whose people read Chinese is told of in Chinese, from its detection to its report."""

import re

from approvals.conftest import cluster, scene

from gpmedic.approvals.service import Service
from gpmedic.languages.language import Language
from gpmedic.practice.slack import PracticeSlack
from gpmedic.slack import messages


def test_thread_question_answer_and_report_are_in_the_language_of_the_cluster(
    workspace: PracticeSlack, service: Service
) -> None:
    settings = cluster(workspace).model_copy(update={"language": Language.CHINESE})
    with scene(workspace, service, settings) as incident:
        run = incident.begin()
        question = incident.asked()
        assert "\u6279\u51c6" in question.words, "approve"
        workspace.click(question, messages.DETAILS, value=question.value_of(messages.DETAILS), by="anna")
        workspace.wait_for(lambda: incident.whispers("anna"))
        workspace.click(question, messages.APPROVE, value=question.value_of(messages.APPROVE), by="dave")
        (refused,) = workspace.wait_for(lambda: incident.whispers("dave"))
        assert re.search("[\u4e00-\u9fff]", refused.words)
        workspace.click(question, messages.APPROVE, value=question.value_of(messages.APPROVE), by="anna")
        assert run.result(60) is not None
        workspace.wait_for(incident.reports, 60)
        parent = incident.parent()
        assert parent is not None
        assert "\u5df2\u6062\u590d\u5e76\u8bc1\u660e\u5065\u5eb7" in parent.words, "recovered and proven healthy"
        attached = {name.rpartition(".")[2]: file for name, file in workspace.files.items() if incident.name in name}
        assert set(attached) == {"md", "html", "png"}
        assert attached["html"].startswith(b'<!doctype html>\n<html lang="zh-Hans">')
