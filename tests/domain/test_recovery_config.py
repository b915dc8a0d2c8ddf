"""The recovery configuration file: what is written is read again, and what is dangerous in a given one is named."""

import string
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpmedic.cluster import Cluster, Family, Generation, Mode, Role, Segment, Status, Version
from gpmedic.gprecoverseg import RecoveryType
from gpmedic.recovery_config import Dialect, Place, RecoveryConfig, RecoveryFileRefused, RecoveryLine, parse, render
from gpmedic.recovery_config_lint import Fault, Problem, lint
from tests.transcripts import runs

names = st.text(string.ascii_lowercase + string.digits + "-.", min_size=1, max_size=8)
addresses = names | st.sampled_from(["[fe80::1]", "10.0.0.7"])
ports = st.integers(1, 65535)
directories = st.text(string.ascii_letters + string.digits + "/_-.#", max_size=12).map(lambda name: "/" + name)


@st.composite
def configs(draw: st.DrawFn, dialect: Dialect) -> RecoveryConfig:
    """Any configuration that the dialect can say."""
    colons = dialect is Dialect.COLONS
    order = draw(st.lists(names.filter(str.strip), max_size=2)) if colons else []
    lines = []
    for _ in range(draw(st.integers(0, 3))):
        host = dialect in {Dialect.PIPES_WITH_HOST, Dialect.TYPED} and draw(st.booleans())
        hostnames = names.filter(lambda name: name.upper() not in {"I", "D", "F"}) if host else st.none()
        failed = Place(draw(addresses), draw(ports), draw(directories), draw(hostnames))
        target = None
        if draw(st.booleans()):
            target = Place(
                draw(addresses),
                draw(ports),
                draw(directories),
                draw(hostnames),
                draw(ports) if colons else None,
                tuple(draw(directories) for _ in order),
            )
        kinds = [None]
        if dialect is Dialect.TYPED:
            kinds = [None, *RecoveryType] if target is None else [None, RecoveryType.FULL]
        lines.append(RecoveryLine(failed, target, draw(st.sampled_from(kinds))))
    return RecoveryConfig(tuple(lines), tuple(order))


@pytest.mark.parametrize("dialect", Dialect)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_what_is_rendered_is_read_again_unchanged(dialect: Dialect, data: st.DataObject) -> None:
    config = data.draw(configs(dialect))
    assert parse(render(config, dialect), dialect) == config


@pytest.mark.parametrize("dialect", Dialect)
@given(text=st.text(string.ascii_letters + "0123456789|:/# \n=[]\t\r", max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_is_either_read_or_refused_with_its_line(dialect: Dialect, text: str) -> None:
    try:
        config = parse(text, dialect)
    except RecoveryFileRefused as error:
        assert error.line in text
    else:
        assert parse(render(config, dialect), dialect) == config


NOISE = [
    "Authorized users only. All activity is monitored.",
    "-bash: warning: setlocale: LC_ALL: cannot change locale (en_US.UTF-8)",
    "Welcome",
    "20261123:09:10:05:004166 gprecoverseg:mdw:gpadmin-[INFO]:-Starting gprecoverseg with args: -o /tmp/rc.cfg",
    "20261123:09:10:06:004166 gprecoverseg:mdw:gpadmin-[INFO]:-Configuration file output to /tmp/rc.cfg successfully.",
    "rc=0",
]


def sample(command_part: str) -> list[str]:
    """Contents of the sample files that the real gprecoverseg wrote and that were printed after it."""
    steps = [run for generation in ("gp4", "gp6") for run in runs(generation, "gprecoverseg")]  # type: ignore[arg-type]
    return [
        "".join(
            f"{line}\n"
            for line in step.stdout.split("\n")
            if line and not line.startswith(("2026", "rc=")) and " gpadmin gpadmin " not in line
        )
        for step in steps
        if " -o " in step.command and command_part in step.command and step.command.count("cat ") == 1
    ]


SAMPLES = sample("cat ")
samples = st.sampled_from([text for text in SAMPLES if text.count("\n") > 1])
few = settings(max_examples=40, deadline=None)


def dialect_of(text: str) -> Dialect:
    return Dialect.COLONS if text.startswith("filespaceOrder") else Dialect.PIPES


def read(text: str, dialect: Dialect) -> tuple[RecoveryLine, ...] | None:
    """The lines of a file; None where it is refused. Any other exception fails the test."""
    try:
        return parse(text, dialect).lines
    except RecoveryFileRefused:
        return None


@given(data=st.data(), text=samples)
@few
def test_a_sample_file_that_was_cut_off_names_no_other_place(data: st.DataObject, text: str) -> None:
    whole, part = parse(text, dialect_of(text)).lines, text[: data.draw(st.integers(0, len(text)), label="cut at")]
    lines = read(part, dialect_of(text))
    if lines is None:
        return
    # A person's file may end without an end of line, so its last directory may be cut: no segment has such a one.
    *complete, last = lines or (None,)
    assert tuple(complete) == whole[: len(complete)]
    if last is not None:
        meant = whole[len(complete)].failed
        assert replace(last.failed, directory=meant.directory) == meant
        assert meant.directory.startswith(last.failed.directory)


@given(data=st.data(), text=samples, other=samples)
@few
def test_two_sample_files_in_one_text_name_only_places_of_the_two(data: st.DataObject, text: str, other: str) -> None:
    lines = read(between(data, text, other.split("\n")[:-1]), dialect_of(text))
    assert lines is None or set(lines) <= {
        *(read(text, dialect_of(text)) or ()),
        *(read(other, dialect_of(text)) or ()),
    }


@given(
    data=st.data(),
    text=samples,
    others=st.lists(st.sampled_from([*NOISE, ""]) | st.text(max_size=20).filter(lambda t: "\n" not in t), max_size=3),
)
@few
def test_a_sample_file_with_other_lines_between_is_refused_or_unchanged(
    data: st.DataObject, text: str, others: list[str]
) -> None:
    lines = read(between(data, text, others), dialect_of(text))
    assert lines is None or lines == parse(text, dialect_of(text)).lines


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("dialect", Dialect)
def test_a_line_that_a_utility_or_a_login_prints_is_no_line_of_a_file(dialect: Dialect, noise: str) -> None:
    head = "filespaceOrder=\n" if dialect is Dialect.COLONS else ""
    assert read(f"{head}{noise}\n", dialect) is None


def between(data: st.DataObject, text: str, others: list[str]) -> str:
    """The lines of a text with others anywhere between them."""
    lines = text.split("\n")[:-1]
    for other in others:
        lines.insert(data.draw(st.integers(0, len(lines)), label="place"), other)
    return "".join(f"{line}\n" for line in lines)


def test_the_sample_files_of_the_real_gprecoverseg_are_read_and_written_alike() -> None:
    assert len(SAMPLES) >= 6
    for text in SAMPLES:
        dialect = dialect_of(text)
        config = parse(text, dialect)
        assert all(line.target is None for line in config.lines)
        assert render(config, dialect) == text


@pytest.mark.parametrize(
    ("dialect", "text"),
    [
        # each of these the real gprecoverseg refused when it was recorded
        (Dialect.COLONS, ""),
        (Dialect.COLONS, "gp-s2:50000:/data/mirror/gpseg0\n"),
        (Dialect.COLONS, "filespaceOrder=\ngp-s2:50000:/data/mirror/gpseg0 gp-s4:50001:/data/spare/gpseg0\n"),
        (Dialect.COLONS, "filespaceOrder=\ngp-s2:50000\n"),
        (Dialect.PIPES, "sdw1:6000:/data/primary/gpseg0\n"),
        (Dialect.PIPES, "sdw1|6000\n"),
        (Dialect.PIPES, "sdw1|6000|/data/a sdw4|6000|/data/a sdw5|6000|/data/a\n"),
        (Dialect.PIPES, "sdw1|port|/data/a\n"),
        (Dialect.PIPES, "filespaceOrder=\nsdw1|6000|/data/a\n"),
        (Dialect.PIPES, "sdw1|6000|primary/gpseg0\n"),
        # and these are not a language of that version, or mean two things
        (Dialect.PIPES, "sdw1|sdw1|6000|/data/a\n"),
        (Dialect.PIPES, "I|sdw1|6000|/data/a\n"),
        (Dialect.PIPES_WITH_HOST, "F|sdw1|sdw1|6000|/data/a\n"),
        (Dialect.TYPED, "f|sdw1|6000|/data/a\n"),
        (Dialect.TYPED, "I|sdw1|6000|/data/a sdw4|6000|/data/a\n"),
        (Dialect.TYPED, "sdw1|sdw1|6000|/data/a sdw4|6000|/data/a\n"),
        (Dialect.PIPES, "sdw1|6000|/data/a  sdw4|6000|/data/a\n"),
        (Dialect.PIPES, "sdw1|70000|/data/a\n"),
    ],
)
def test_a_line_that_gprecoverseg_would_not_understand_is_refused(dialect: Dialect, text: str) -> None:
    with pytest.raises(RecoveryFileRefused) as caught:
        parse(text, dialect)
    assert caught.value.next_action


def test_comments_and_empty_lines_are_left_out() -> None:
    config = parse("# why\n\nsdw1|6000|/data/a\n  # indented\n", Dialect.PIPES)
    assert config == RecoveryConfig((RecoveryLine(Place("sdw1", 6000, "/data/a")),))


def test_a_four_field_line_is_typed_when_it_begins_with_a_type() -> None:
    typed, named = parse("F|sdw1|6000|/data/a\nsdw1|10.0.0.1|6000|/data/a\n", Dialect.TYPED).lines
    assert (typed.type, typed.failed.hostname) == (RecoveryType.FULL, None)
    assert (named.type, named.failed.hostname, named.failed.address) == (None, "sdw1", "10.0.0.1")


@pytest.mark.parametrize("directory", ["/data/a b", "/data/a\n/etc", "/data/a|b", "data", "/data:a", "/data/\x00"])
def test_a_directory_that_would_be_read_as_something_else_is_never_written(directory: str) -> None:
    config = RecoveryConfig((RecoveryLine(Place("sdw1", 6000, directory)),))
    for dialect in Dialect:
        with pytest.raises(RecoveryFileRefused):
            render(config, dialect)


def test_a_type_is_never_written_for_a_version_that_does_not_know_it() -> None:
    config = RecoveryConfig((RecoveryLine(Place("sdw1", 6000, "/data/a"), type=RecoveryType.FULL),))
    with pytest.raises(RecoveryFileRefused):
        render(config, Dialect.PIPES)


def test_a_generation_is_written_in_the_dialect_that_all_its_versions_read() -> None:
    assert (Dialect.of(Generation.FILEREP), Dialect.of(Generation.WAL)) == (Dialect.COLONS, Dialect.PIPES)


# sdw1 holds primaries 0 and 1, sdw2 their mirrors; the mirror of 0 is down, content 1 is well.
def segment(dbid: int, content: int, role: Role, place: tuple[str, int], status: Status = Status.UP) -> Segment:
    host, port = place
    datadir = f"/data/{'primary' if role is Role.PRIMARY else 'mirror'}/gpseg{content}"
    return Segment(dbid, content, role, role, Mode.NOT_IN_SYNC, status, port, host, host, datadir)


CLUSTER = Cluster(
    "lab",
    Version(Family.GREENPLUM, 6, 24, "6.24.3"),
    (
        segment(1, -1, Role.PRIMARY, ("mdw", 5432)),
        segment(2, 0, Role.PRIMARY, ("sdw1", 6000)),
        segment(3, 1, Role.PRIMARY, ("sdw1", 6001)),
        segment(4, 0, Role.MIRROR, ("sdw2", 7000), Status.DOWN),
        segment(5, 1, Role.MIRROR, ("sdw2", 7001)),
    ),
)
DOWN = "sdw2|7000|/data/mirror/gpseg0"


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("", {Fault.EMPTY}),
        (DOWN, set()),
        (f"{DOWN} sdw4|7000|/data/mirror/gpseg0", set()),
        (f"{DOWN} {DOWN}", {Fault.SAME_GROUP_TWICE}),
        (f"{DOWN} sdw2|7009|/data/mirror/gpseg0", {Fault.SAME_DIRECTORY}),
        (f"{DOWN}\n{DOWN}", {Fault.NAMED_TWICE}),
        (f"{DOWN} sdw1|7009|/data/spare/gpseg0", {Fault.BESIDE_ITS_PRIMARY}),
        (f"{DOWN} sdw2|7001|/data/spare/gpseg0", {Fault.PORT_TAKEN}),
        (f"{DOWN} sdw2|7009|/data/mirror/gpseg1", {Fault.DIRECTORY_TAKEN}),
        ("sdw2|7001|/data/mirror/gpseg1", {Fault.NOT_DOWN}),
        ("sdw1|6000|/data/primary/gpseg0", {Fault.ACTING_PRIMARY}),
        ("sdw9|7000|/data/mirror/gpseg0", {Fault.UNKNOWN_SEGMENT}),
        ("mdw|5432|/data/primary/gpseg-1", {Fault.UNKNOWN_SEGMENT}),
        (
            f"{DOWN} sdw4|7000|/data/a\nsdw2|7001|/data/mirror/gpseg1 sdw4|7000|/data/b",
            {Fault.TARGET_TWICE, Fault.NOT_DOWN},
        ),
    ],
)
def test_each_danger_of_a_file_is_named(text: str, faults: set[Fault]) -> None:
    problems = lint(parse(text, Dialect.PIPES), CLUSTER)
    assert {problem.fault for problem in problems} == faults


def test_both_copies_down_leave_nothing_to_recover_from() -> None:
    dead = tuple(segment(s.dbid, s.content, s.role, (s.hostname, s.port), Status.DOWN) for s in CLUSTER.segments)
    problems = lint(parse(DOWN, Dialect.PIPES), Cluster("lab", CLUSTER.version, dead))
    assert Problem(Fault.NO_SOURCE, 1) in problems


def test_every_fault_is_reached_and_says_what_it_leads_to() -> None:
    assert all(len(fault.value) > 20 for fault in Fault)
    assert str(Problem(Fault.SAME_GROUP_TWICE, 2)).startswith("line 2: both groups are the same place")


def test_a_line_of_a_segment_of_the_catalog_has_one_group() -> None:
    down = CLUSTER.segment(4)
    assert render(RecoveryConfig((RecoveryLine.in_place(down),)), Dialect.PIPES) == f"{DOWN}\n"
    moved = RecoveryLine.moved(down, Place("sdw4", 7000, "/data/mirror/gpseg0"))
    assert lint(RecoveryConfig((moved,)), CLUSTER) == ()
