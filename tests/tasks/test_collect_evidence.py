"""Evidence is kept before a step, however much it is; a step whose evidence is not kept is not run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.settings import PREFECT_API_URL, temporary_settings

from gpmedic.errors import Refused
from gpmedic.practice import PracticeCluster
from tasks.collect_evidence import MOST_BYTES, collect_evidence, paged
from tasks.detect import look

SECTION = st.integers(min_value=1, max_value=MOST_BYTES).map(lambda size: "x" * size)


@given(st.lists(SECTION, min_size=1, max_size=12))
def test_every_section_stands_on_one_page_and_no_page_is_more_than_a_proxy_takes(sections: list[str]) -> None:
    pages = list(paged(sections))
    assert [section for page in pages for section in page.split("\n\n")] == sections
    assert all(len(page) <= MOST_BYTES + 2 * len(sections) for page in pages)


def test_a_server_that_does_not_keep_the_evidence_ends_the_step(healthy_six: PracticeCluster) -> None:
    seen = look(healthy_six.settings)
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(Refused, match="before the step recover") as refused,
    ):
        collect_evidence.fn(healthy_six.settings, seen, "before the step recover")
    assert "ConnectError" in refused.value.message
