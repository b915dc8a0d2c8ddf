"""The environment of Greenplum's utilities, in the real /bin/sh of a host."""

from pathlib import Path

import pytest

from gpmedic.access import environment
from gpmedic.access.environment import NO_GREENPLUM, prelude
from gpmedic.access.ssh import Shell
from gpmedic.settings import GreenplumSettings

# The beginning of the real one, which knows its own folder in bash and zsh only.
REAL = """
if test -n "${BASH_VERSION:-}"; then SCRIPT_PATH="${BASH_SOURCE[0]}"
else result=$(lsof -p $$ -Fn | tail --lines=1); SCRIPT_PATH=${result#n}; fi
GPHOME="$(cd "$(dirname "${SCRIPT_PATH}")" >/dev/null 2>&1 && pwd)"
echo "The shell cannot be identified" >&2
PATH="${GPHOME}/bin:${PATH}"
export GPHOME PATH
"""


def greenplum(folder: Path, text: str) -> GreenplumSettings:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "gpstate").write_text("#!/bin/sh\necho the stand-in\n")
    (folder / "bin" / "gpstate").chmod(0o755)
    (folder / "greenplum_path.sh").write_text(text)
    return GreenplumSettings(home=str(folder), coordinator_data_directory="/data/it's master/gpseg-1")


@pytest.mark.parametrize("text", [REAL, "GPHOME=/wrong; PATH=/wrong/bin:$PATH; export GPHOME PATH", "false\n"])
@pytest.mark.parametrize("name", ["gpdb", "greenplum db", "it's"])
def test_the_utilities_are_found_whatever_greenplum_path_makes_of_this_shell(
    shell: Shell, tmp_path: Path, name: str, text: str
) -> None:
    settings = greenplum(tmp_path / name, text)
    done = shell.run(prelude(settings, 5432) + 'gpstate; echo "$GPHOME"')
    assert (done.stdout, done.stderr) == (f"the stand-in\n{settings.home}\n", "")


def test_data_directory_and_port_are_set_under_both_names_and_the_language_is_english(
    shell: Shell, tmp_path: Path
) -> None:
    settings = greenplum(tmp_path / "gpdb", "")
    show = 'printf "%s\\n" "$MASTER_DATA_DIRECTORY" "$COORDINATOR_DATA_DIRECTORY" "$PGPORT" "$LC_ALL"'
    done = shell.run(f"{prelude(settings, 6000)}\nexport -p >/dev/null\n{show}")
    datadir = settings.coordinator_data_directory
    assert done.stdout.splitlines() == [datadir, datadir, "6000", "C"]


def test_a_gphome_without_greenplum_is_told_by_the_exit_code(shell: Shell, tmp_path: Path) -> None:
    settings = GreenplumSettings(home=str(tmp_path / "nothing"), coordinator_data_directory="/data")
    done = shell.run(prelude(settings, 5432) + "echo never")
    assert (done.stdout, done.exit_code) == ("", NO_GREENPLUM)
    assert "greenplum_path.sh cannot be read" in done.stderr


@pytest.mark.parametrize("script", sorted(Path(environment.__file__).parent.glob("*.sh")), ids=lambda path: path.name)
def test_no_script_for_the_hosts_starts_python_for_which_greenplum_path_may_have_spoilt_it(script: Path) -> None:
    """T27: it exports the PYTHONHOME of Greenplum's own 2.7, with which no other starts."""
    code = [line for line in script.read_text().splitlines() if not line.lstrip().startswith("#")]
    assert "python" not in "\n".join(code)
