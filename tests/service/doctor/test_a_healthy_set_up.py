"""Where nothing is wrong, nothing is found."""

from __future__ import annotations

import pytest

from tests.service.doctor.world import World

TO_THE_DATABASE = {
    "both": {},
    "DATABASE_URL": {"SUPABASE_URL": "", "SUPABASE_SECRET_KEY": ""},
    "SUPABASE_URL": {"DATABASE_URL": ""},
}


@pytest.mark.parametrize("way", TO_THE_DATABASE)
def test_nothing_is_found(world: World, way: str) -> None:
    world.environment |= TO_THE_DATABASE[way]

    found = world.checks(is_live=True)

    odd = {name: each["words"] for name, each in found.items() if each["verdict"] != "pass"}
    if way == "DATABASE_URL":
        assert odd == {
            "auth.settings": "SUPABASE_URL and SUPABASE_SECRET_KEY are not set",
            "auth.confirmation": "not asked, because of “settings”",
            "auth.sign_up": "not asked, because of “settings”",
        }
    else:
        assert odd == {}
    assert len(found) > 45
