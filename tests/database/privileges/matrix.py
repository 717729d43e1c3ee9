"""What each caller may do with each thing of ours. Whatever is not written here nobody may do.

A thing that is missing here fails the tests, so a new table, column, function or sequence needs
its line. A dot is nothing at all; `all`, `own` and `none` are the rows that the caller sees of a
table. Columns of a table that nobody may touch need no lines: nobody may touch them either.

Owner, stranger and unconfirmed are all the role `authenticated`: one who bought something, one who
bought nothing, and one who bought something with an address that they have not confirmed.

`guarded`: the role may call it, and support staff who are signed in do; it refuses everybody else
itself. tests/database/operators/test_staff.py tells who is staff.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MATRIX = """
                                                         anon    owner        stranger     unconfirmed  service_role
schema    public                                         usage   usage        usage        usage        usage
schema    thetis                                         .       .            .            .            .

table     public.purchases                               .       select own   select none  select none  select all
column    public.purchases.id                            .       select       select       select       select
column    public.purchases.user_id                       .       select       select       select       select
column    public.purchases.product_slug                  .       select       select       select       select
column    public.purchases.shopify_order_id              .       select       select       select       select
column    public.purchases.shopify_order_number          .       select       select       select       select
column    public.purchases.shopify_customer_email        .       select       select       select       select
column    public.purchases.shopify_line_item_id          .       select       select       select       select
column    public.purchases.status                        .       select       select       select       select
column    public.purchases.purchased_at                  .       select       select       select       select
column    public.purchases.expires_at                    .       select       select       select       select
column    public.purchases.created_at                    .       select       select       select       select
column    public.purchases.updated_at                    .       select       select       select       select

table     public.products                                .       select all   select all   select all   select all
column    public.products.slug                           .       select       select       select       select
column    public.products.name                           .       select       select       select       select
column    public.products.category                       .       select       select       select       select
column    public.products.access_period                  .       select       select       select       select
column    public.products.created_at                     .       select       select       select       select

function  public.has_access                              .       execute      execute      execute      .
function  public.claim_purchases                         .       execute      execute      execute      .
function  public.request_claim_code                      .       execute      execute      execute      .
function  public.redeem_claim_code                       .       execute      execute      execute      .
function  public.list_proven_addresses                   .       execute      execute      execute      .
function  public.remove_proven_address                   .       execute      execute      execute      .

function  public.record_orders                           .       .            .            .            execute
function  public.record_refunds                          .       .            .            .            execute
function  public.record_disputes                         .       .            .            .            execute
function  public.honor_disputes                          .       .            .            .            execute
function  public.begin_order_sync                        .       .            .            .            execute
function  public.record_order_page                       .       .            .            .            execute
function  public.preview_orders                          .       .            .            .            execute
function  public.record_exported_orders                  .       .            .            .            execute
function  public.reconcile_status                        .       .            .            .            execute
function  public.claim_notifications                     .       .            .            .            execute
function  public.settle_notifications                    .       .            .            .            execute
function  public.notification_backlog                    .       .            .            .            execute
function  public.store_rejected_webhook                  .       .            .            .            execute
function  public.list_rejected_webhooks                  .       .            .            .            execute
function  public.get_rejected_webhook                    .       .            .            .            execute
function  public.mark_webhook_replayed                   .       .            .            .            execute
function  public.list_products                           .       .            .            .            execute
function  public.list_unmapped_products                  .       .            .            .            execute
function  public.add_product                             .       .            .            .            execute
function  public.remove_product                          .       .            .            .            execute
function  public.remove_shopify_product                  .       .            .            .            execute
function  public.count_address_conflicts                 .       .            .            .            execute
function  public.record_deliveries                       .       .            .            .            execute
function  public.undelivered_emails                      .       .            .            .            execute
function  public.list_notifications                      .       .            .            .            execute
function  public.get_notification                        .       .            .            .            execute
function  public.retry_notifications                     .       .            .            .            execute
function  public.expire_purchases                        .       .            .            .            execute
function  public.require_second_factor                   .       .            .            .            execute
function  public.prune                                   .       .            .            .            execute
function  public.record_privacy_request                  .       .            .            .            execute
function  public.count_privacy_requests                  .       .            .            .            execute
function  public.list_privacy_requests                   .       .            .            .            execute
function  public.mark_privacy_request_answered           .       .            .            .            execute
function  public.check_schema                            .       .            .            .            execute
function  public.check_installation                      .       .            .            .            execute
function  public.note_webhook                            .       .            .            .            execute

function  public.resend_notification                     .       guarded      guarded      guarded      execute
function  public.grant_access                            .       guarded      guarded      guarded      execute
function  public.revoke_purchase                         .       guarded      guarded      guarded      execute
function  public.restore_purchase                        .       guarded      guarded      guarded      execute
function  public.extend_purchase                         .       guarded      guarded      guarded      execute
function  public.transfer_purchase                       .       guarded      guarded      guarded      execute
function  public.transfer_order                          .       guarded      guarded      guarded      execute
function  public.customer_timeline                       .       guarded      guarded      guarded      execute
function  public.export_customer                         .       guarded      guarded      guarded      execute
function  public.forget_customer                         .       guarded      guarded      guarded      execute

table     thetis.shopify_products                        .       .            .            .            .
table     thetis.untracked_sales                         .       .            .            .            .
table     thetis.orders                                  .       .            .            .            .
table     thetis.order_lines                             .       .            .            .            .
table     thetis.refunds                                 .       .            .            .            .
table     thetis.disputes                                .       .            .            .            .
table     thetis.dispute_rules                           .       .            .            .            .
table     thetis.charged_back_orders                     .       .            .            .            .
table     thetis.charged_back_purchases                  .       .            .            .            .
table     thetis.order_syncs                             .       .            .            .            .
table     thetis.overrides                               .       .            .            .            .
table     thetis.grants                                  .       .            .            .            .
table     thetis.access_periods                          .       .            .            .            .
table     thetis.audit_log                               .       .            .            .            .
table     thetis.proven_addresses                        .       .            .            .            .
table     thetis.claim_codes                             .       .            .            .            .
table     thetis.staff_rules                             .       .            .            .            .
table     thetis.held_addresses                          .       .            .            .            .
table     thetis.derived_purchases                       .       .            .            .            .
table     thetis.live_purchases                          .       .            .            .            .
table     thetis.named_purchases                         .       .            .            .            .
table     thetis.open_runs                               .       .            .            .            .
table     thetis.notifications                           .       .            .            .            .
table     thetis.email_deliveries                        .       .            .            .            .
table     thetis.rejected_webhooks                       .       .            .            .            .
table     thetis.webhook_heartbeats                      .       .            .            .            .
table     thetis.erasure_key                             .       .            .            .            .
table     thetis.erased_addresses                        .       .            .            .            .
table     thetis.privacy_requests                        .       .            .            .            .
table     thetis.copied_enrollments                      .       .            .            .            .

sequence  thetis.rejected_webhooks_id_seq                .       .            .            .            .
sequence  thetis.privacy_requests_id_seq                 .       .            .            .            .
sequence  thetis.order_syncs_id_seq                      .       .            .            .            .
sequence  thetis.copied_enrollments_id_seq               .       .            .            .            .
sequence  thetis.audit_log_id_seq                        .       .            .            .            .

function  thetis.set_updated_at                          .       .            .            .            .
function  thetis.normalised_email                        .       .            .            .            .
function  thetis.confirmed_user_id                       .       .            .            .            .
function  thetis.lock_emails                             .       .            .            .            .
function  thetis.lock_holders                            .       .            .            .            .
function  thetis.is_deleted_account                      .       .            .            .            .
function  thetis.is_address_of                           .       .            .            .            .
function  thetis.return_to_holder_email                  .       .            .            .            .
function  thetis.owner_of                                .       .            .            .            .
function  thetis.has_proven                              .       .            .            .            .
function  thetis.prover_of                               .       .            .            .            .
function  thetis.link_addresses                          .       .            .            .            .
function  thetis.link_purchases                          .       .            .            .            .
function  thetis.release_purchases                       .       .            .            .            .
function  thetis.link_purchases_to_user                  .       .            .            .            .
function  thetis.repeatable_for                          .       .            .            .            .
function  thetis.expire_stale_notifications              .       .            .            .            .
function  thetis.retry_delay                             .       .            .            .            .
function  thetis.merged_status                           .       .            .            .            .
function  thetis.order_owners                            .       .            .            .            .
function  thetis.lock_present_owners                     .       .            .            .            .
function  thetis.add_purchases                           .       .            .            .            .
function  thetis.update_purchases                        .       .            .            .            .
function  thetis.end_purchases_without_line              .       .            .            .            .
function  thetis.mark_address_conflicts                  .       .            .            .            .
function  thetis.refresh_purchases                       .       .            .            .            .
function  thetis.lift_chargebacks                        .       .            .            .            .
function  thetis.impose_chargebacks                      .       .            .            .            .
function  thetis.dispute_status_or_null                  .       .            .            .            .
function  thetis.read_order_disputes                     .       .            .            .            .
function  thetis.read_disputes                           .       .            .            .            .
function  thetis.dispute_fault                           .       .            .            .            .
function  thetis.describe_disputes                       .       .            .            .            .
function  thetis.merge_disputes                          .       .            .            .            .
function  thetis.enqueue_notifications                   .       .            .            .            .
function  thetis.compose_messages                        .       .            .            .            .
function  thetis.addition_delay                          .       .            .            .            .
function  thetis.refresh_tried_messages                  .       .            .            .            .
function  thetis.withdraw_untried_messages               .       .            .            .            .
function  thetis.refresh_updates                         .       .            .            .            .
function  thetis.cancellation_delay                      .       .            .            .            .
function  thetis.refresh_cancellations                   .       .            .            .            .
function  thetis.refresh_notifications                   .       .            .            .            .
function  thetis.find_orders                             .       .            .            .            .
function  thetis.lock_messages                           .       .            .            .            .
function  thetis.has_reason                              .       .            .            .            .
function  thetis.was_resent                              .       .            .            .            .
function  thetis.why_no_retry                            .       .            .            .            .
function  thetis.read_refunds                            .       .            .            .            .
function  thetis.order_email                             .       .            .            .            .
function  thetis.read_orders                             .       .            .            .            .
function  thetis.order_fault                             .       .            .            .            .
function  thetis.refund_fault                            .       .            .            .            .
function  thetis.describe_orders                         .       .            .            .            .
function  thetis.describe_refunds                        .       .            .            .            .
function  thetis.without_faults                          .       .            .            .            .
function  thetis.told_order_id                           .       .            .            .            .
function  thetis.told_emails                             .       .            .            .            .
function  thetis.new_for                                 .       .            .            .            .
function  thetis.merge_orders                            .       .            .            .            .
function  thetis.unusable_orders                         .       .            .            .            .
function  thetis.note_untracked_sales                    .       .            .            .            .
function  thetis.open_tables                             .       .            .            .            .
function  thetis.applied_migrations                      .       .            .            .            .
function  thetis.merge_lines                             .       .            .            .            .
function  thetis.merge_refunds                           .       .            .            .            .
function  thetis.orders_of_lines                         .       .            .            .            .
function  thetis.orders_without_email                    .       .            .            .            .
function  thetis.refresh_orders                          .       .            .            .            .
function  thetis.order_as_of                             .       .            .            .            .
function  thetis.adopt_exported_lines                    .       .            .            .            .
function  thetis.judge_exported_orders                   .       .            .            .            .
function  thetis.add_exported_lines                      .       .            .            .            .
function  thetis.webhook_patience                        .       .            .            .            .
function  thetis.reconcile_since                         .       .            .            .            .
function  thetis.lock_orders                             .       .            .            .            .
function  thetis.access_period                           .       .            .            .            .
function  thetis.claim_limits                            .       .            .            .            .
function  thetis.next_code_at                            .       .            .            .            .
function  thetis.random_code                             .       .            .            .            .
function  thetis.code_hash                               .       .            .            .            .
function  thetis.is_known_address                        .       .            .            .            .
function  thetis.is_code_to_send                         .       .            .            .            .
function  thetis.withdraw_spent_codes                    .       .            .            .            .
function  thetis.drop_settled_code                       .       .            .            .            .
function  thetis.end_claim_code                          .       .            .            .            .
function  thetis.claimant                                .       .            .            .            .
function  thetis.note_claim                              .       .            .            .            .
function  thetis.accounts_of                             .       .            .            .            .
function  thetis.provers_of                              .       .            .            .            .
function  thetis.find_customer                           .       .            .            .            .
function  thetis.is_near                                 .       .            .            .            .
function  thetis.misspellings                            .       .            .            .            .
function  thetis.near_addresses                          .       .            .            .            .
function  thetis.near_orders                             .       .            .            .            .
function  thetis.explain_purchases                       .       .            .            .            .
function  thetis.explain_missing                         .       .            .            .            .
function  thetis.customer_answer                         .       .            .            .            .
function  thetis.customer_accounts                       .       .            .            .            .
function  thetis.customer_purchases                      .       .            .            .            .
function  thetis.customer_orders                         .       .            .            .            .
function  thetis.customer_messages                       .       .            .            .            .
function  thetis.customer_acts                           .       .            .            .            .
function  thetis.customer_rejected                       .       .            .            .            .
function  thetis.keep_audit_log                          .       .            .            .            .
function  thetis.have_access_periods                     .       .            .            .            .
function  thetis.present_owners                          .       .            .            .            .
function  thetis.refresh_expiry                          .       .            .            .            .
function  thetis.is_staff                                .       .            .            .            .
function  thetis.operator                                .       .            .            .            .
function  thetis.uuid_or_null                            .       .            .            .            .
function  thetis.stated_reason                           .       .            .            .            .
function  thetis.stated_address                          .       .            .            .            .
function  thetis.stated_order                            .       .            .            .            .
function  thetis.describe_purchases                      .       .            .            .            .
function  thetis.describe_message_changes                .       .            .            .            .
function  thetis.lock_for_act                            .       .            .            .            .
function  thetis.stated_purchase                         .       .            .            .            .
function  thetis.conclude_act                            .       .            .            .            .
function  thetis.unchanged_act                           .       .            .            .            .
function  thetis.was_transferred                         .       .            .            .            .
function  thetis.give_purchases                          .       .            .            .            .
function  thetis.address_hash                            .       .            .            .            .
function  thetis.erase_returned_orders                   .       .            .            .            .
function  thetis.address_pattern                         .       .            .            .            .
function  thetis.mentions                                .       .            .            .            .
function  thetis.body_text                               .       .            .            .            .
function  thetis.body_json                               .       .            .            .            .
function  thetis.rejected_webhooks_of                    .       .            .            .            .
function  thetis.erase_rejected_webhooks                 .       .            .            .            .
function  thetis.copied_enrollments_of                   .       .            .            .            .
function  thetis.audit_rows_of                           .       .            .            .            .
function  thetis.orders_of_address                       .       .            .            .            .
function  thetis.lock_to_forget                          .       .            .            .            .
function  thetis.enqueue_forgetting                      .       .            .            .            .
function  thetis.erase_messages                          .       .            .            .            .
function  thetis.erase_enrollments                       .       .            .            .            .
function  thetis.forget                                  .       .            .            .            .
function  thetis.without_others                          .       .            .            .            .
function  thetis.held_address                            .       .            .            .            .
"""

CALLERS = ("anon", "owner", "stranger", "unconfirmed", "service_role")

Thing = tuple[str, str]
"""Its kind, and its name with the schema."""


@dataclass(frozen=True)
class Cell:
    """What a caller may do with a thing; of a table, also whose rows they see."""

    privileges: frozenset[str]
    rows: str | None
    is_guarded: bool = False


def role(caller: str) -> str:
    return caller if caller in {"anon", "service_role"} else "authenticated"


def allowed(caller: str) -> Mapping[Thing, Cell]:
    """Everything that is written, for one caller."""
    return {thing: cells[caller] for thing, cells in _lines()}


def untouchable() -> frozenset[Thing]:
    """The tables that no caller may do anything with."""
    return frozenset(
        thing
        for thing, cells in _lines()
        if thing[0] == "table" and not any(cell.privileges for cell in cells.values())
    )


def _lines() -> Iterator[tuple[Thing, dict[str, Cell]]]:
    head, *lines = [line for line in MATRIX.splitlines() if line]
    assert tuple(head.split()) == CALLERS
    for line in lines:
        kind, name, *cells = re.split(r" {2,}", line)
        yield (kind, name), dict(zip(CALLERS, map(_cell, cells), strict=True))


def _cell(text: str) -> Cell:
    if text == ".":
        return Cell(frozenset(), None)
    if text == "guarded":
        return Cell(frozenset({"execute"}), None, is_guarded=True)
    privilege, _, rows = text.partition(" ")
    return Cell(frozenset({privilege}), rows or None)
