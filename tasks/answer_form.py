"""The form in which a person answers, on Prefect's page. Programs give the same answers through Prefect's API.

A form is for one question: a page that was opened for an earlier one cannot say yes to what is asked by now, for its
yes lacks the code of the new question.
"""

from enum import StrEnum
from hashlib import sha256
from typing import Annotated, Literal

from prefect.input import RunInput
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model
from pydantic.json_schema import SkipJsonSchema

from gpmedic.languages.language import saying
from gpmedic.table import markdown
from tasks.question import Request

PREFECT = "Prefect's page"


class Decision(StrEnum):
    YES = "yes"
    NO = "no"


def _without_code(said: object) -> object:
    return " ".join(said.lower().split()[:1]) if isinstance(said, str) else said


_Decided = Annotated[Literal["yes", "no"], BeforeValidator(_without_code)]


class Answer(RunInput):
    """What the person fills in; Prefect refuses to resume the run with anything else."""

    # Prefect writes this into its form's schema too, and would refuse what programs give beside the form's fields.
    model_config = ConfigDict(extra="ignore")

    decision: _Decided
    operator: str = Field(
        title="Your name", min_length=1, max_length=200, description="Kept in the record of the incident."
    )
    reason: str = Field(
        default="", title="Why", max_length=2000, description="A ticket, or why not; kept in the record as well."
    )
    # Not in the form: on a laptop's screen each field takes room from the plan, which is to be read first.
    via: SkipJsonSchema[str] = Field(default=PREFECT, max_length=40, description="How the answer comes.")
    question: SkipJsonSchema[str] = Field(default="", max_length=300, description="To which question it belongs.")

    def written(self) -> dict[str, object]:
        """As Prefect takes it for the question that it names."""
        yes = Decision(self.decision) is Decision.YES
        return {**self.model_dump(), "decision": f"yes {code_of(self.question)}" if yes else self.decision}


def code_of(question: str) -> str:
    """What a yes to this question, by its key, has with it: four hexadecimal digits."""
    return sha256(question.encode()).hexdigest()[:4]


def form_for(request: Request) -> type[Answer]:
    """The form of one question, with what is asked above its fields."""
    code = code_of(request.key)
    # Written and not chosen: the lists to choose from in the older one of Prefect's two pages do not open in Chromium.
    pattern = rf"^\s*([Yy][Ee][Ss]\s+{code}|[Nn][Oo])\s*$"
    decision = Field(
        title="Your decision",
        description=f"Write yes {code}: the command above is run. Write no: the cluster is left as it is.",
    )
    written = Annotated[_Decided, WithJsonSchema({"type": "string", "pattern": pattern})]
    form = create_model(Answer.__name__, __base__=Answer, decision=(written, decision))
    return form.with_initial_data(description=_shown(request))


def _shown(request: Request) -> str:
    """What stands above the form; its first lines are what a small screen shows."""
    proposal = request.proposal
    say = saying(proposal.language)
    shown = []
    if request.approved_by is not None:
        first = markdown(request.approved_by)
        shown.append(say(f"**Approved by {first}. A second, different person must approve it too.**"))
    if proposal.why:
        shown.append(f"**{say('Found:')}** {markdown(say(proposal.why))}")
    shown.append(proposal.text.rstrip())
    if proposal.estimate:
        shown.append(f"**{say('How long:')}** {markdown(say(proposal.estimate))}")
    shown.append(say(f"**Answer until** {request.expires_at:%H:%M} UTC. No answer is a no."))
    return "\n\n".join(shown) + "\n"
