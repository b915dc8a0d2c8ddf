"""Whether what a recovery rewinds or overwrites may be newer than its source: then the only such copy would be lost."""

from collections.abc import Iterator, Sequence

from gpmedic.check import Check, CheckName, Verdict
from gpmedic.copies import Comparison, Copy
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.table import plain

_ACTION = (
    "Start nothing and stop nothing: save both copies' evidence; a person decides which is kept (after an activated"
    " standby or a promotion by hand, the catalog may be the older one)."
)


def judge_copies(comparisons: Sequence[Comparison], kind: RecoveryType) -> Iterator[Check]:
    """One check for each content; a copy that is lost is for other checks.

    pg_rewind takes a copy back to where both parted. On an older timeline, or an equal one, that is what a failover or
    a dead mirror leaves behind; on a later one it was promoted after its source, and has served since. A differential
    recovery asks for no timeline: like a full copy it overwrites whatever differs, and must not before it is known
    which copy is the current one.
    """
    for one in comparisons:
        if one.mirror is None or one.mirror.presence.lost:
            continue
        target, found = str(one.mirror.segment), _compared(one.primary, one.mirror)
        if not found and kind is RecoveryType.DIFFERENTIAL and one.mirror_may_be_newer:
            what = f"a differential recovery copies over it, and it may be the newer copy: {one.reason}"
            yield Check(CheckName.NOT_NEWER, target, Verdict.FAIL, what, _ACTION)
        elif found is None:
            what = "one of both copies could not be read, so nobody knows which is the newer one"
            yield Check(CheckName.NOT_NEWER, target, Verdict.WARN, what, "Compare pg_controldata of both yourself.")
        elif found:
            yield Check(CheckName.NOT_NEWER, target, Verdict.FAIL, plain(found), _ACTION)
        else:
            yield Check(CheckName.NOT_NEWER, target, Verdict.PASS, "it is not on a later timeline than its source")


def _compared(source: Copy, target: Copy) -> str | None:
    """What speaks against overwriting the target; empty where nothing does, None where one was not read."""
    if source.data is None or target.data is None:
        return None
    if source.data.system != target.data.system:
        return f"it is of another system ({target.data.system}) than its source ({source.data.system})"
    if target.data.timeline > source.data.timeline:
        return f"it is on timeline {target.data.timeline}, its source on {source.data.timeline}: it was promoted later"
    return ""
