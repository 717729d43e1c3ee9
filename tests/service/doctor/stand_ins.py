"""What Supabase's Auth and Management API answer, and a course app."""

from __future__ import annotations

from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

Json = dict[str, Any]

ACCESS_TOKEN = "sbp_made_up"
REF = "abcdefghijklmnopqrst"

AUTH_SETTINGS: Json = {
    "external": {"email": True, "phone": False, "google": False, "anonymous_users": False},
    "disable_signup": False,
    "mailer_autoconfirm": False,
    "phone_autoconfirm": False,
    "sms_provider": "twilio",
    "saml_enabled": False,
}
"""As Auth answers, of what we read."""

AUTH_CONFIG: Json = {
    "site_url": "https://elsewhere.example.com",
    "uri_allow_list": "",
    "smtp_host": "smtp.resend.com",
    "rate_limit_email_sent": 500,
    "password_min_length": 10,
    "mailer_otp_exp": 3600,
    "mailer_secure_email_change_enabled": True,
    "mailer_allow_unverified_email_sign_ins": False,
    "refresh_token_rotation_enabled": True,
}


def elsewhere(config: Json, course_app: dict[str, int]) -> Starlette:
    """The Management API and the course app."""

    def auth_config(request: Request) -> Response:
        if request.headers["authorization"] != f"Bearer {ACCESS_TOKEN}":
            return JSONResponse({"message": "Unauthorized"}, 401)
        if request.path_params["ref"] != REF:
            return JSONResponse({"message": "Project not found"}, 404)
        return JSONResponse(config)

    def page(request: Request) -> Response:
        return Response(status_code=course_app.get(request.url.path, 404))

    return Starlette(
        routes=[
            Route("/v1/projects/{ref}/config/auth", auth_config),
            Route("/{path:path}", page),
        ]
    )
