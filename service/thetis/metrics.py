"""The metrics that `/metrics` shows. Labels hold only values from fixed sets."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from thetis.model import Figures, ReconcileStatus, WebhookOutcome

RECONCILED = (
    WebhookOutcome.RECORDED,
    WebhookOutcome.UNCHANGED,
    WebhookOutcome.IGNORED,
    WebhookOutcome.REJECTED,
)
"""What may become of an order that is compared with Shopify's."""

CLOSED = ("crowded", "header_too_large", "slow")
"""Why a connection is closed before its time."""


class Metrics:
    """The metrics of one service; nothing is shared between two in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.webhooks = Counter(
            "thetis_webhooks",
            "Webhooks received, by topic and outcome, but for those of test orders.",
            ["topic", "outcome"],
            registry=self.registry,
        )
        self.test_webhooks = Counter(
            "thetis_test_webhooks",
            "Webhooks of orders that Shopify marks as tests, by topic and outcome.",
            ["topic", "outcome"],
            registry=self.registry,
        )
        self.webhook_seconds = Histogram(
            "thetis_webhook_seconds",
            "Seconds from the whole request to the answer.",
            buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4),
            registry=self.registry,
        )
        self._closed = Counter(
            "thetis_connections_closed",
            "Connections closed before their request was whole or the answer read, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.notifications = Counter(
            "thetis_notifications",
            "Attempts to send, by kind and result.",
            ["kind", "result"],
            registry=self.registry,
        )
        self.paused = Gauge(
            "thetis_provider_paused",
            "1 while a provider refuses everything, because a setting is wrong.",
            ["provider"],
            registry=self.registry,
        )
        self._pending = Gauge(
            "thetis_notifications_pending",
            "Notifications not sent yet.",
            ["provider"],
            registry=self.registry,
        )
        self._oldest = Gauge(
            "thetis_notifications_oldest_due_seconds",
            "How long the oldest due notification has been waiting for a worker.",
            ["provider"],
            registry=self.registry,
        )
        self._dead = Gauge(
            "thetis_notifications_dead",
            "Notifications given up; a person has to look.",
            ["provider"],
            registry=self.registry,
        )

        self.deliveries = Counter(
            "thetis_resend_webhooks",
            "Webhooks of Resend's received, by type and outcome.",
            ["type", "outcome"],
            registry=self.registry,
        )
        self._undelivered = Gauge(
            "thetis_emails_undelivered",
            "Emails of the last seven days that did not arrive, by what became of them.",
            ["state"],
            registry=self.registry,
        )
        self._conflicts = Gauge(
            "thetis_address_conflicts",
            "Orders of which somebody owns a purchase by another address than the order has now.",
            registry=self.registry,
        )
        self._privacy_requests = Gauge(
            "thetis_privacy_requests_open",
            "Requests of Shopify's compliance webhooks that wait for a person's answer.",
            registry=self.registry,
        )

        self.reconciled = Counter(
            "thetis_reconciled_orders",
            "Orders that this process has compared with Shopify's, by outcome.",
            ["outcome"],
            registry=self.registry,
        )
        self._reconcile_lag = Gauge(
            "thetis_reconcile_lag_seconds",
            "How long ago the time was until which orders have been compared with Shopify's.",
            registry=self.registry,
        )
        self._reconciled_at = Gauge(
            "thetis_reconcile_last_success_timestamp_seconds",
            "When a reconcile last came to its end.",
            registry=self.registry,
        )
        self._missed = Gauge(
            "thetis_webhooks_missed",
            "Orders of the last day that told a reconcile what a webhook should have told.",
            registry=self.registry,
        )
        self._observe_reconciling(None)

    def begin_at_zero(self, topics: Iterable[str], types: Iterable[str]) -> None:
        """Let everything that is received be there from the start: Prometheus sees no increase in a
        series that begins with its first event, and an alarm would miss that one.
        """
        for outcome in WebhookOutcome:
            for topic in topics:
                self.webhooks.labels(topic, outcome)
            for kind in types:
                self.deliveries.labels(kind, outcome)
        for outcome in RECONCILED:
            self.reconciled.labels(outcome)
        for reason in CLOSED:
            self._closed.labels(reason)

    def count_webhook(self, topic: str, outcome: str, *, is_test: bool) -> None:
        """A webhook counts as one of a test order once its body has been read."""
        counter = self.test_webhooks if is_test else self.webhooks
        counter.labels(topic, outcome).inc()

    def observe(self, figures: Figures) -> None:
        self._conflicts.set(figures.address_conflicts)
        self._privacy_requests.set(figures.privacy_requests)
        self._observe_reconciling(figures.reconciling)
        for state, total in figures.undelivered.items():
            self._undelivered.labels(state).set(total)
        for each in figures.backlog:
            self._pending.labels(each.provider).set(each.pending)
            self._oldest.labels(each.provider).set(each.oldest_due_seconds)
            self._dead.labels(each.provider).set(each.dead)

    def _observe_reconciling(self, status: ReconcileStatus | None) -> None:
        """Without one there is no figure: 0 would say that all is well."""
        nan = float("nan")
        self._reconcile_lag.set(nan if status is None else status.lag_seconds)
        self._reconciled_at.set(nan if status is None else status.ended_at)
        self._missed.set(nan if status is None else status.missed)

    def forget(self) -> None:
        """An unreachable database: no figure is better than an old one."""
        self._conflicts.set(float("nan"))
        self._privacy_requests.set(float("nan"))
        self._observe_reconciling(None)
        for gauge in (self._pending, self._oldest, self._dead, self._undelivered):
            gauge.clear()

    def count_closed(self, reason: str) -> None:
        self._closed.labels(reason).inc()

    def exposition(self) -> bytes:
        return generate_latest(self.registry)
