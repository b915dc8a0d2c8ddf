import pytest


@pytest.fixture(scope="session", autouse=True)
def every_flow_has_a_server(prefect_server: str) -> None:
    """The one of the session: of two, the flows would use one, and the tests might ask the other."""
