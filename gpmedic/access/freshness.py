"""Whether a look at the catalog sets FTS in motion."""

from enum import Enum


class Freshness(Enum):
    """How old the catalog's word on a segment may be."""

    ASK_FTS = "FTS probes first, where it can be asked (T25)"
    AS_IT_IS = "nothing is set in motion; the catalog may be a minute old"
