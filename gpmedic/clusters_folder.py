"""Where the files of registered clusters lie, and what they are called; read without what is needed to read them."""

import os
from pathlib import Path

CONFIG_VARIABLE = "GPMEDIC_CLUSTERS"


def clusters_folder() -> Path:
    """Where cluster files lie: $GPMEDIC_CLUSTERS, else ~/.config/gpmedic/clusters."""
    return Path(os.environ.get(CONFIG_VARIABLE, "~/.config/gpmedic/clusters")).expanduser()


def cluster_names() -> tuple[str, ...]:
    """The names of all clusters that have a file there, sorted; a folder that is not there has none."""
    return tuple(sorted(path.stem for path in clusters_folder().glob("*.toml")))
