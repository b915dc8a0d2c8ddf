"""The metrics as Prometheus reads them, over HTTP. Nothing is asked for when somebody scrapes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gpmedic.approvals.metric_table import METRICS, Kind
from gpmedic.approvals.samples import Scrape
from gpmedic.approvals.service import Service

PATH: Final = "/metrics"
FAMILIES: Final = {Kind.GAUGE: GaugeMetricFamily, Kind.COUNTER: CounterMetricFamily}


class ServiceCollector(Collector):
    """What a service has seen, as families of samples."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def collect(self) -> Iterator[Metric]:
        """Every row of the table, from the figures of this moment."""
        service = self._service
        scrape = Scrape(service.served, service.tallies, service.fates, datetime.now(UTC))
        for row in METRICS:
            family = FAMILIES[row.kind](row.name, row.help, labels=row.labels)
            for labels, value in row.samples(scrape):
                family.add_metric(labels, float(value))
            yield family


def metrics_route(service: Service) -> Route:
    """`GET /metrics`, for the application that listens where they are wanted.

    A registry of its own: the default one has what Prefect counts of itself.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(ServiceCollector(service))

    def metrics(_: Request) -> Response:  # in a thread of Starlette's pool: a click never waits for it
        return Response(generate_latest(registry), media_type=None, headers={"content-type": CONTENT_TYPE_LATEST})

    return Route(PATH, metrics, methods=["GET"])
