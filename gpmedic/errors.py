"""What can go wrong, by what a person has to do about it.

Every error carries the next action, so that Slack, the command line and the logs can show both.
"""

from collections.abc import Sequence

from gpmedic.table import plain


class GpmedicError(Exception):
    """An expected failure.

    Args:
        message: what happened and what was left untouched, one line.
        next_action: what the reader should do now, one line.

    Attributes:
        nothing_started: it came between a person's yes and the start of what that had allowed.
    """

    nothing_started = False

    def __init__(self, message: str, next_action: str) -> None:
        # Errors carry what hosts, servers and utilities said, and are printed on terminals and in logs.
        message, next_action = plain(message), plain(next_action)
        super().__init__(message, next_action)
        self.message = message
        self.next_action = next_action

    def __str__(self) -> str:
        stop = "" if self.message.endswith((".", "!", "?")) else "."
        return f"{self.message}{stop} Next: {self.next_action}"


class Transient(GpmedicError):
    """It may pass by itself: the only kind of error that a task retries."""


class HostUnreachable(Transient):
    """A host did not answer, or the connection to it was lost."""


class UtilityBusy(Transient):
    """One of Greenplum's utilities is already at work on this cluster."""


class BeingRestarted(HostUnreachable, UtilityBusy):
    """The coordinator does not answer because gpmedic's own restart is at work on it."""


class NotYetInSync(Transient):
    """A mirror is still catching up."""


class Refused(GpmedicError):
    """gpmedic did nothing; the cluster is untouched."""


class AccessRefused(Refused):
    """Wrong host, key, password or user, or something that is not Greenplum: trying again does not help."""


class PrecheckFailed(Refused):
    """Something that must hold before an action does not."""


class FailedAgain(PrecheckFailed):
    """The same segment has failed again within a short time."""


class NotApproved(Refused):
    """A person said no, or nobody said yes in time."""


class UnsafeState(Refused):
    """The cluster is in a state in which the asked action could lose data or is not understood."""


class UnknownVersion(UnsafeState):
    """A Greenplum on which the utilities have not been proven: it is only observed."""


class TooManyDown(UnsafeState):
    """More primaries have failed than the policy allows for: suspect the network."""


class ObserveOnly(Refused):
    """The policy of this cluster lets gpmedic look, and nothing else."""


class Braked(Refused):
    """A person has pulled the brake of this cluster."""


class LockHeld(Refused):
    """Another recovery owns this cluster."""


class UtilityFailed(GpmedicError):
    """A utility acted and failed; a person decides.

    Args:
        argv: the command as it was run.
        exit_code: None where the utility's end was not seen.
        tail: its last lines of output.
    """

    def __init__(self, argv: Sequence[str], exit_code: int | None, tail: str, next_action: str) -> None:
        ended = "did not end normally" if exit_code is None else f"ended with exit code {exit_code}"
        super().__init__(f"{' '.join(argv)} {ended}: {tail.strip()}", next_action)
        self.argv = tuple(argv)
        self.exit_code = exit_code
        self.tail = tail


class UnreadableOutput(GpmedicError):
    """A utility printed something that gpmedic does not know; it never guesses.

    Args:
        utility: whose output it is.
        line: the first line that could not be read.
    """

    def __init__(self, utility: str, line: str) -> None:
        super().__init__(
            f"{utility} printed a line that gpmedic does not know: {line!r}.",
            f"Look at the output of {utility} yourself and report the line, so that gpmedic learns it.",
        )
        self.utility = utility
        self.line = line


class Unrecoverable(GpmedicError):
    """Both copies of a content are lost; only a backup brings the data back."""
