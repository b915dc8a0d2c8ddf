"""How runs are named: after their cluster, because Prefect's lists show the name of a run and not its parameters."""

from prefect.runtime import flow_run


def after_its_cluster() -> str:
    """The cluster before the name that Prefect or a person has given; a resumed run has that name already."""
    cluster = f"{flow_run.parameters['cluster']}-"
    given = str(flow_run.name)
    return given if given.startswith(cluster) else cluster + given
