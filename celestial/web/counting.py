"""Counts for /metrics: requests, their time, failures, pictures under way (Prometheus text)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 15)


class Counts:
    """The figures of one application."""

    def __init__(self):
        self.registry = CollectorRegistry()
        self.requests = Counter("celestial_requests", "Answered requests", ["endpoint", "status"],
                                registry=self.registry)
        self.seconds = Histogram("celestial_request_seconds", "Time to answer", ["endpoint"],
                                 buckets=SECONDS, registry=self.registry)
        self.pictures = Counter("celestial_pictures", "Answered pictures by their status",
                                ["status"], registry=self.registry)
        self.failures = Counter("celestial_failures", "Requests that this program failed at",
                                registry=self.registry)
        self.under_way = Gauge("celestial_pictures_under_way", "Pictures being answered or waiting",
                               registry=self.registry)

    def watch(self, app: Flask) -> None:
        """Count every request of an application."""
        @app.before_request
        def begin() -> None:
            g.began = time.perf_counter()

        @app.after_request
        def count(response: Response) -> Response:
            endpoint = request.endpoint or "none"
            self.requests.labels(endpoint, response.status_code).inc()
            self.seconds.labels(endpoint).observe(time.perf_counter() - g.get(
                "began", time.perf_counter()))
            if response.status_code == 500:
                self.failures.inc()
            return response

    @contextmanager
    def answering(self, pictures: int) -> Iterator[None]:
        """Count pictures as under way for as long as the block runs."""
        self.under_way.inc(pictures)
        try:
            yield
        finally:
            self.under_way.dec(pictures)

    def answered(self) -> int:
        """Return how many pictures were answered."""
        return int(sum(sample.value for metric in self.pictures.collect()
                       for sample in metric.samples if sample.name.endswith("_total")))

    def text(self) -> bytes:
        """Return all figures in Prometheus' text format."""
        return generate_latest(self.registry)
