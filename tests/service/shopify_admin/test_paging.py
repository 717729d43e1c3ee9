"""Every order of the window is told, whatever its size, and whatever happens meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from devtools.fake_shopify import FakeShop
from tests.service.shopify_admin.asking import LONG_AGO, Asking, every_page, first_page, ids
from tests.support.shopify import COURSE, order

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def changed(order_id: int, after: timedelta, **more: Any) -> dict[str, Any]:
    return order(order_id, COURSE, made_at=NOON + after, **more)


def fill(shop: FakeShop, count: int, *, a_second: int = 1) -> list[str]:
    """So many orders, some of them changed in the same second; their ids in order of change."""
    shop.put(*(changed(n, timedelta(seconds=n // a_second)) for n in range(1, count + 1)))
    return [str(n) for n in range(1, count + 1)]


def test_each_order_is_told_once_and_the_longest_ago_first(ask: Asking) -> None:
    expected = fill(ask.shop, 130)
    assert ids(ask(every_page)) == expected


def test_orders_that_changed_in_the_same_second_are_all_told(ask: Asking) -> None:
    expected = fill(ask.shop, 130, a_second=100)
    assert ids(ask(every_page)) == expected


def test_a_shop_without_orders_has_one_empty_page(ask: Asking) -> None:
    [page] = ask(every_page)
    assert (page.orders, page.rejected, page.cursor, page.newest_updated_at) == ([], [], None, None)


def test_both_ends_of_the_window_are_of_it(ask: Asking) -> None:
    fill(ask.shop, 10)
    since, until = NOON + timedelta(seconds=3), NOON + timedelta(seconds=5)

    assert ids(ask(lambda admin: every_page(admin, since, until))) == ["3", "4", "5"]
    assert ask(lambda admin: admin.order_count(since, until)) == 3
    assert ask(lambda admin: admin.order_count(since, None)) == 8


def test_a_window_may_be_given_in_any_zone(ask: Asking) -> None:
    fill(ask.shop, 10)
    elsewhere = (NOON + timedelta(seconds=8)).astimezone(
        datetime.fromisoformat("2026-01-01T00:00:00-05:00").tzinfo
    )
    assert ids(ask(lambda admin: every_page(admin, elsewhere))) == ["8", "9", "10"]


def test_a_page_says_how_far_it_reached(ask: Asking) -> None:
    fill(ask.shop, 30)
    first, second = ask(every_page)
    assert first.newest_updated_at == NOON + timedelta(seconds=len(first.orders))
    assert second.newest_updated_at == NOON + timedelta(seconds=30)


def test_an_order_that_changes_meanwhile_comes_again_and_none_is_lost(ask: Asking) -> None:
    fill(ask.shop, 60)
    first = ask(first_page)
    ask.shop.put(changed(2, timedelta(hours=1)), changed(50, timedelta(hours=1)))

    told = ids([first])
    while first.cursor is not None:
        first = ask(partial(first_page, after=first.cursor))
        told += ids([first])

    assert set(told) == {str(n) for n in range(1, 61)}
    assert sorted(each for each in told if told.count(each) > 1) == ["2", "2"]


def test_the_lists_within_an_order_are_read_to_their_ends(ask: Asking) -> None:
    lines = [
        {"id": n, "product_id": 1000 + n, "quantity": 1, "current_quantity": 1}
        for n in range(1, 561)
    ]
    given_back: list[dict[str, Any]] = [
        {
            "id": 9000 + of,
            "refund_line_items": [
                {"line_item_id": n, "quantity": 1} for n in range(of * 270 + 1, of * 270 + 271)
            ],
        }
        for of in range(2)
    ]
    ask.shop.put(order(1, *lines, refunds=given_back), order(2, COURSE))

    page = ask(first_page)

    told = {each["id"]: each for each in page.orders}["1"]
    assert [each["id"] for each in told["line_items"]] == [str(each["id"]) for each in lines]
    assert [
        [item["line_item_id"] for item in each["refund_line_items"]] for each in told["refunds"]
    ] == [[str(item["line_item_id"]) for item in each["refund_line_items"]] for each in given_back]
    assert told == ask(lambda admin: admin.order("1"))


def test_a_window_of_more_orders_than_shopify_pages_through_is_begun_again(ask: Asking) -> None:
    expected = fill(ask.shop, 300, a_second=7)
    ask.shop.longest_list = 120

    told = ids(ask(every_page, longest_list=90))

    assert set(told) == set(expected)
    assert len(told) < len(expected) + 7 * 4, "only what changed in one second is told again"


def test_without_beginning_again_shopify_would_refuse(ask: Asking) -> None:
    fill(ask.shop, 300)
    ask.shop.longest_list = 120
    assert "paginate past" in str(ask.refused(every_page))


def test_one_second_of_more_orders_than_that_does_not_go_round_in_circles(ask: Asking) -> None:
    expected = fill(ask.shop, 200, a_second=1000)
    told = ids(ask(every_page, longest_list=50))
    assert told == expected[:50] + expected, "begun again once, and never within a second"


def test_a_page_that_costs_too_much_is_asked_smaller_and_the_next_at_once(ask: Asking) -> None:
    expected = fill(ask.shop, 60)
    ask.shop.max_cost = 500

    assert ids(ask(every_page)) == expected
    sizes = [each.variables["first"] for each in ask.shop.received]
    assert sizes[:3] == [50, 25, 12]
    assert set(sizes[2:]) == {12}


def test_a_query_that_never_fits_is_refused(ask: Asking) -> None:
    ask.shop.max_cost = 5
    assert ask.refused(first_page).code == "MAX_COST_EXCEEDED"


def test_without_read_all_orders_the_old_ones_are_absent_without_a_word(ask: Asking) -> None:
    ask.shop.now = lambda: NOON
    ask.shop.put(changed(1, timedelta(days=-61)), changed(2, timedelta(days=-59)))
    assert ids(ask(every_page)) == ["1", "2"]

    ask.shop.scopes.remove("read_all_orders")

    assert ids(ask(every_page)) == ["2"]
    assert ask(lambda admin: admin.order_count(LONG_AGO, None)) == 1
    assert ask(lambda admin: admin.order("1")) is None
    assert "read_all_orders" not in ask(lambda admin: admin.scopes())


def test_an_order_that_there_is_not_is_none(ask: Asking) -> None:
    assert ask(lambda admin: admin.order("404")) is None


def test_more_orders_than_are_counted_by_default_are_counted(ask: Asking) -> None:
    fill(ask.shop, 10_500, a_second=50)
    assert ask(lambda admin: admin.order_count(LONG_AGO, None)) == 10_500


def test_ten_thousand_orders_are_each_told_once(ask: Asking) -> None:
    expected = fill(ask.shop, 10_000, a_second=3)
    assert ids(ask(every_page)) == expected
