"""What `thetis doctor` reads beside the settings of the service."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from thetis.setting_types import BaseUrl, Form, Secret
from thetis.settings import ServiceSettings


class DoctorSettings(ServiceSettings):
    """How to look at what the service itself cannot see. None is required."""

    supabase_access_token: Secret | None = None
    """A personal access token of Supabase (Account > Access Tokens); it begins with `sbp_`. With
    it the doctor also reads the project's Auth settings: mail server, limits, passwords, sessions.
    """
    supabase_management_url: BaseUrl = "https://api.supabase.com"
    """Where Supabase's Management API is."""
    supabase_project_ref: Annotated[
        str | None, Field(pattern=r"^[a-z]{20}$"), Form("the project's 20 letters")
    ] = None
    """The project's 20 letters, where `SUPABASE_URL` is an address of your own. Else they are read
    from it.
    """
    knock_service_token: Secret | None = None
    """A service token of Knock (Settings > Service tokens). With it the doctor also sees whether
    the workflows are committed and active: the secret key cannot read them.
    """
    knock_management_url: BaseUrl = "https://control.knock.app"
    """Where Knock's Management API is."""
    knock_environment: Annotated[
        str, Field(pattern=r"^[a-z0-9_-]+$"), Form("an environment's slug, such as production")
    ] = "production"
    """The Knock environment that `KNOCK_API_KEY` is of, as Knock's address bar names it."""
