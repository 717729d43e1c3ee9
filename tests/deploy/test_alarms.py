"""The alarms ring when they should, once; the dashboard asks for what there is."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.files import DEPLOY, program, read_yaml, said
from tests.support.docs import code, document, rows
from thetis.deliveries import OTHER, STATES
from thetis.metrics import Metrics
from thetis.model import Backlog, Figures, ReconcileStatus
from thetis.settings import ServiceSettings
from thetis.shopify import TOPICS

FILE = DEPLOY / "prometheus/rules.yaml"
[GROUP] = read_yaml(FILE)["groups"]
RULES: list[dict[str, Any]] = GROUP["rules"]
ALERTS = [rule["alert"] for rule in RULES]
DASHBOARD = json.loads((DEPLOY / "grafana/dashboard.json").read_text(encoding="utf-8"))

MINUTES = 100
"""Longer than the longest time that an alarm waits, an hour. What goes wrong does so at 90."""
OK, WRONG = "0+0x90", "6+0x20"

Series = dict[str, str]
"""What Prometheus gets, minute by minute, by name with labels."""


def exposition() -> Metrics:
    """All that a service shows, when all is well."""
    metrics = Metrics()
    metrics.begin_at_zero([*TOPICS, "other"], [*STATES, OTHER])
    metrics.count_webhook("orders/paid", "recorded", is_test=True)
    for provider in ("knock", "resend"):
        metrics.paused.labels(provider).set(0)
        metrics.notifications.labels("post_purchase", "sent")
    backlog = [
        Backlog(provider=each, pending=3, oldest_due_seconds=0, dead=0)
        for each in ("knock", "resend")
    ]
    undelivered = dict.fromkeys(("bounced", "failed"), 0)
    metrics.observe(
        Figures(
            backlog=backlog,
            address_conflicts=0,
            privacy_requests=0,
            undelivered=undelivered,
            reconciling=ReconcileStatus(lag_seconds=0, ended_at=0, missed=0),
        )
    )
    return metrics


def samples(metrics: Metrics) -> Iterator[tuple[str, dict[str, str], float]]:
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


NAMES = {name for name, _, _ in samples(exposition())}


def healthy(*instances: str) -> Series:
    found: Series = {}
    for instance in instances:
        found[series("up", instance=instance)] = f"1+0x{MINUTES + 10}"
        for name, labels, value in samples(exposition()):
            found[series(name, instance=instance, **labels)] = f"{value}+0x{MINUTES + 10}"
        recorded = {"topic": "orders/paid", "outcome": "recorded"}
        name = series("thetis_webhooks_total", instance=instance, **recorded)
        found[name] = f"0+1x{MINUTES + 10}"
    return found


def series(name: str, *, instance: str = "a:8000", **labels: str) -> str:
    pairs = sorted({"job": "thetis", "instance": instance, **labels}.items())
    return name + "{" + ", ".join(f'{key}="{value}"' for key, value in pairs) + "}"


def ringing(
    given: Series,
    folder: Path,
) -> list[str]:
    """The alarms that ring at that minute, one entry for each."""
    promtool = program("promtool", "prometheus")
    test = {
        "rule_files": [str(FILE)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": key, "values": value} for key, value in given.items()],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": f"{MINUTES}m",
                        # No such alarm: so that promtool fails, and says what it got.
                        "exp_samples": [{"labels": '{alertname="none"}', "value": 0}],
                    }
                ],
            }
        ],
    }
    file = folder / "test.yaml"
    file.write_text(yaml.safe_dump(test))
    told = subprocess.run(
        [promtool, "test", "rules", file], capture_output=True, text=True, timeout=60, check=False
    )
    output = told.stdout + told.stderr
    [got] = re.findall(r"got:(.*)$", output, re.MULTILINE) or [output]
    found = re.findall(r'\{alertname="(\w+)"\} ([\d.E+]+)', got)
    assert found or got.strip() == "nil", output
    return [name for name, count in found for _ in range(int(float(count)))]


def test_promtool_accepts_the_rules() -> None:
    assert f"{len(RULES)} rules found" in said(
        program("promtool", "prometheus"), "check", "rules", FILE
    )


def test_no_alarm_rings_while_all_is_well(tmp_path: Path) -> None:
    assert ringing(healthy("a:8000", "b:8000"), tmp_path) == []


FAULTS: dict[str, Series] = {
    "ThetisIsDown": {series("up"): "1+0x90 0+0x20"},
    "ThetisIsSilent": {
        series("thetis_webhooks_total", topic="orders/paid", outcome="recorded"): "9+0x110"
    },
    **{
        alert: {series(name, **labels): f"{OK} {WRONG}"}
        for alert, name, labels in [
            (
                "ThetisDatabaseDoesNotAnswer",
                "thetis_webhooks_total",
                {"topic": "orders/paid", "outcome": "unavailable"},
            ),
            (
                "ThetisWebhookFailed",
                "thetis_webhooks_total",
                {"topic": "orders/paid", "outcome": "failed"},
            ),
            (
                "ThetisShopifySignatureIsRefused",
                "thetis_webhooks_total",
                {"topic": "other", "outcome": "unauthorized"},
            ),
            (
                "ThetisResendSignatureIsRefused",
                "thetis_resend_webhooks_total",
                {"type": "other", "outcome": "unauthorized"},
            ),
            (
                "ThetisWebhookIsRejected",
                "thetis_resend_webhooks_total",
                {"type": "email.bounced", "outcome": "rejected"},
            ),
            ("ThetisProviderIsPaused", "thetis_provider_paused", {"provider": "knock"}),
            ("ThetisNotificationIsDead", "thetis_notifications_dead", {"provider": "resend"}),
            ("ThetisEmailsDoNotArrive", "thetis_emails_undelivered", {"state": "bounced"}),
            ("ThetisWebhooksAreMissed", "thetis_webhooks_missed", {}),
            ("ThetisAddressConflict", "thetis_address_conflicts", {}),
            ("ThetisPrivacyRequestIsOpen", "thetis_privacy_requests_open", {}),
            ("ThetisIsCrowded", "thetis_connections_closed_total", {"reason": "crowded"}),
        ]
    },
    "ThetisReconcilesNoMore": {series("thetis_reconcile_lag_seconds"): f"{OK} 10801+0x20"},
    "ThetisNotificationsAreLate": {
        series("thetis_notifications_oldest_due_seconds", provider="knock"): f"{OK} 901+0x20"
    },
}


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alarm_rings_for_its_fault_and_no_other_does(alert: str, tmp_path: Path) -> None:
    known = healthy("a:8000")
    assert FAULTS[alert].keys() <= known.keys(), "no such series"

    assert ringing(known | FAULTS[alert], tmp_path) == [alert]


def test_one_alarm_rings_though_every_process_tells_the_same(tmp_path: Path) -> None:
    given = healthy("a:8000", "b:8000")
    for instance in ("a:8000", "b:8000"):
        name = series("thetis_notifications_dead", instance=instance, provider="resend")
        given[name] = f"{OK} {WRONG}"

    assert ringing(given, tmp_path) == ["ThetisNotificationIsDead"]


def test_the_first_rejected_webhook_of_a_new_process_is_told(tmp_path: Path) -> None:
    """Its series is there from the start, at 0. An increase needs two values."""
    first = series("thetis_webhooks_total", topic="orders/paid", outcome="rejected")
    given = healthy("a:8000", "b:8000")
    begun = {name: f"_x80 {value}" for name, value in given.items() if "b:8000" not in name}
    assert first in begun

    rung = ringing(given | begun | {first: "_x80 0+0x9 1+0x20"}, tmp_path)
    assert rung == ["ThetisWebhookIsRejected"]


def test_the_alarms_are_those_of_the_reference() -> None:
    reference = document("docs/REFERENCE.md").section("Metrics").partition("Alarms worth")[2]
    expressions = [code(row[1])[0] for row in rows(reference)]
    assert len(expressions) >= 11
    rules = [" ".join(rule["expr"].split()) for rule in RULES]
    for expression in expressions:
        inner = re.findall(r"thetis_\w+(?:\{[^}]*\})?(?:\[\w+\])?", expression)
        limit = expression.rpartition(" ")[2]
        assert any(
            all(part in rule for part in inner) and rule.endswith(limit) for rule in rules
        ), expression


def test_lateness_is_what_makes_the_service_not_ready() -> None:
    [rule] = [rule for rule in RULES if rule["alert"] == "ThetisNotificationsAreLate"]
    limit = ServiceSettings.model_fields["backlog_limit_seconds"].default
    assert rule["expr"].endswith(f"> {limit:.0f}")


def test_every_page_that_an_alarm_names_is_there() -> None:
    headings = {
        page: {each.title.lower() for each in document(f"docs/{page}.md").sections()}
        for page in ("RUNBOOK", "BACKFILL")
    }
    named = [
        found
        for text in (str(RULES), json.dumps(DASHBOARD))
        for found in re.findall(r"(RUNBOOK|BACKFILL): ([^\"'.]+)", text)
    ]
    assert len(named) > 6
    for page, title in named:
        assert title.lower() in headings[page], title


def expressions() -> list[str]:
    """What the dashboard asks, with its variables replaced as Grafana does."""
    found = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    return [each.replace("$__rate_interval", "5m").replace("$job", "thetis") for each in found]


def test_every_metric_of_the_rules_and_the_dashboard_is_in_what_the_service_shows() -> None:
    asked = " ".join([*expressions(), *(rule["expr"] for rule in RULES)])
    named = set(re.findall(r"thetis_\w+", asked))

    assert named <= NAMES
    variables = json.dumps(DASHBOARD["templating"])
    assert set(re.findall(r"thetis_\w+", variables)) <= NAMES


def test_every_metric_that_the_service_shows_is_on_the_dashboard() -> None:
    families = {re.sub(r"_(created|bucket|count|sum)$", "", name) for name in NAMES}
    shown = {
        re.sub(r"_(bucket|count)$", "", each)
        for each in re.findall(r"thetis_\w+", " ".join(expressions()))
    }
    of_counters = {name.removesuffix("_total") for name in shown if name.endswith("_total")}

    assert families - shown - of_counters == set()


def test_promtool_accepts_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    records = [{"record": f"panel:{n}", "expr": each} for n, each in enumerate(expressions())]
    file = tmp_path / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}))

    told = said(program("promtool", "prometheus"), "check", "rules", file)
    assert f"{len(records)} rules found" in told


def test_the_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_the_dashboard_asks_whichever_prometheus_the_reader_chooses() -> None:
    sources = {
        part["datasource"]["uid"]
        for panel in DASHBOARD["panels"]
        for part in [panel, *panel.get("targets", [])]
        if "datasource" in part
    }
    assert sources == {"${datasource}"}
    assert "datasource" in [each["name"] for each in DASHBOARD["templating"]["list"]]
