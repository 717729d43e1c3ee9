"""Support staff who are signed in to the course app: what their tokens say beside their user id."""

from __future__ import annotations

from typing import Any

SUPPORT: dict[str, Any] = {"app_metadata": {"role": "support"}, "aal": "aal2"}
VIEWER: dict[str, Any] = {"app_metadata": {"role": "support_viewer"}, "aal": "aal2"}
