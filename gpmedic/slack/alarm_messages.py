"""How an alarm is told in Slack, and how it is taken back."""

from datetime import datetime

from gpmedic.alarms import Raised
from gpmedic.slack.block_kit import Message, context, escaped, message, section
from gpmedic.slack.messages import moment


def alarm(told: Raised) -> Message:
    """What is wrong, since when, and what to do."""
    return message(
        f"⏰ {told.cluster}: {told.sentence}",
        [
            section(f"⏰ *{escaped(told.cluster)}:* {escaped(told.sentence)}\n*Next:* {escaped(told.next_action)}"),
            context(f"Since {moment(told.since)}"),
        ],
    )


def over(told: Raised, at: datetime) -> Message:
    """The same when it is so no longer: it stands in the place of the alarm."""
    return message(
        f"{told.cluster}: this is over: {told.sentence}",
        [
            section(f"*{escaped(told.cluster)}:* ~{escaped(told.sentence)}~ This is over."),
            context(f"From {moment(told.since)} to {moment(at)}"),
        ],
    )
