"""Support staff who are signed in to the course app: what their tokens say beside their user id."""

from __future__ import annotations

from typing import Any

Claims = dict[str, Any]

SUPPORT: Claims = {"app_metadata": {"role": "support"}, "aal": "aal2"}
VIEWER: Claims = {"app_metadata": {"role": "support_viewer"}, "aal": "aal2"}

LIES: dict[str, Claims] = {
    "nothing": {},
    "a second factor alone": {"aal": "aal2"},
    "written by the user": {"aal": "aal2", "user_metadata": {"role": "support"}},
    "beside app_metadata": {"aal": "aal2", "app_metadata": {}, "user_role": "support"},
    "no app_metadata": {"aal": "aal2", "app_metadata": None},
    "app_metadata is a word": {"aal": "aal2", "app_metadata": "support"},
    "app_metadata is a list": {"aal": "aal2", "app_metadata": ["role", "support"]},
    "no role": {"aal": "aal2", "app_metadata": {"role": None}},
    "a list": {"aal": "aal2", "app_metadata": {"role": ["support"]}},
    "an object": {"aal": "aal2", "app_metadata": {"role": {"support": True}}},
    "in a list of another name": {"aal": "aal2", "app_metadata": {"roles": ["support"]}},
    "deeper": {"aal": "aal2", "app_metadata": {"app_metadata": {"role": "support"}}},
    "true": {"aal": "aal2", "app_metadata": {"role": True}},
    "in capitals": {"aal": "aal2", "app_metadata": {"role": "SUPPORT"}},
    "with a space": {"aal": "aal2", "app_metadata": {"role": "support "}},
    "another role": {"aal": "aal2", "app_metadata": {"role": "service_role"}},
}
"""What makes nobody support staff, though the account is real and the token rightly signed."""

WITHOUT_SECOND_FACTOR: dict[str, Claims] = {
    "aal1": {**SUPPORT, "aal": "aal1"},
    "no aal": {"app_metadata": {"role": "support"}},
    "aal is null": {**SUPPORT, "aal": None},
    "aal is a list": {**SUPPORT, "aal": ["aal2"]},
    "aal in capitals": {**SUPPORT, "aal": "AAL2"},
    "aal by the user": {"app_metadata": {"role": "support"}, "user_metadata": {"aal": "aal2"}},
    "aal by the app": {"app_metadata": {"role": "support", "aal": "aal2"}},
}
