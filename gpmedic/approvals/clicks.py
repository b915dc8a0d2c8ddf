"""What Slack sends when somebody clicks, as data: it is untrusted input, and what it lacks makes it nothing."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gpmedic.slack import messages


class Wish(StrEnum):
    """What somebody wants."""

    APPROVE = "approve"
    ASK_REASON = "ask reason"  # the button; the rejection itself comes from the form
    REJECT = "reject"
    DETAILS = "details"
    START = "start"


_WISHES = {
    messages.APPROVE: Wish.APPROVE,
    messages.REJECT: Wish.ASK_REASON,
    messages.DETAILS: Wish.DETAILS,
    messages.START: Wish.START,
}


@dataclass(frozen=True, slots=True)
class Click:
    """One wish of one person.

    Attributes:
        value: which question, or which cluster, is meant.
        channel, message: where the button is; of a form, where the button was that opened it.
        trigger: opens a form within three seconds; empty on forms.
        moment: tells a second click from a redelivered first one.
    """

    wish: Wish
    user: str
    value: str
    channel: str
    message: str
    trigger: str = ""
    reason: str = ""
    moment: str = ""

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Equal for each delivery of the same click."""
        return self.user, self.wish, self.value, self.moment


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _User(_Part):
    id: str = Field(pattern=r"^[UW][A-Z0-9]{2,30}$")


class _Action(_Part):
    action_id: str
    value: str = Field(max_length=300)
    action_ts: str = ""


class _Channel(_Part):
    id: str


class _Container(_Part):
    message_ts: str


class _BlockActions(_Part):
    user: _User
    actions: list[_Action] = Field(min_length=1)
    channel: _Channel
    container: _Container
    trigger_id: str = ""


class _View(_Part):
    id: str = ""
    callback_id: str
    private_metadata: str = Field(max_length=400)
    state: dict[str, Any]


class _Submission(_Part):
    user: _User
    view: _View


def read(payload: object) -> Click | None:
    """The click in a payload; None for what gpmedic has no button for, and for what is no payload of Slack's."""
    kind = payload.get("type") if isinstance(payload, dict) else None
    try:
        if kind == "block_actions":
            return _of_button(_BlockActions.model_validate(payload))
        if kind == "view_submission":
            return _of_form(_Submission.model_validate(payload))
    except ValidationError:
        return None
    return None


def carried(click: Click) -> str:
    """What the form must bring back to say the same as the button that opened it."""
    return f"{click.channel} {click.message} {click.value}"


def _of_button(payload: _BlockActions) -> Click | None:
    action = payload.actions[0]
    wish = _WISHES.get(action.action_id)
    if wish is None:
        return None
    where = payload.channel.id, payload.container.message_ts
    return Click(wish, payload.user.id, action.value, *where, payload.trigger_id, moment=action.action_ts)


def _of_form(payload: _Submission) -> Click | None:
    view = payload.view
    parts = view.private_metadata.split(" ", 2)
    if view.callback_id != messages.REASON_VIEW or len(parts) != 3:
        return None
    try:
        reason = str(view.state["values"][messages.REASON_INPUT][messages.REASON_INPUT]["value"] or "")
    except (KeyError, TypeError):
        return None
    channel, message, value = parts
    return Click(Wish.REJECT, payload.user.id, value, channel, message, reason=reason[:2000], moment=view.id)
