"""The settings as far as they are right: one that is wrong is a finding, not the end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from thetis.doctor.settings import DoctorSettings
from thetis.settings import faults_of


class Known:
    """`faults`: what is wrong with which setting, in words that do not quote it."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self.faults: dict[str, str] = {}
        self._values: dict[str, object] = {}
        given: dict[str, Any] = {}  # it reads the environment
        try:
            settings = DoctorSettings(**given)
        except ValidationError as error:
            self.faults = dict(faults_of(DoctorSettings, error))
            self._values = dict(self._read_each(environment))
        else:
            self._values = {name: getattr(settings, name) for name in DoctorSettings.model_fields}

    def _read_each(self, environment: Mapping[str, str]) -> Mapping[str, object]:
        given = {name.lower(): value for name, value in environment.items() if value}
        return {
            name: _value(field, given.get(name))
            for name, field in DoctorSettings.model_fields.items()
            if name not in self.faults
        }

    def missing(self, *names: str) -> list[str]:
        """Those of them that have no value."""
        return [name for name in names if not self._values.get(name)]

    def text(self, name: str) -> str:
        """The value of a setting that is text, or a secret."""
        value = self._values[name]
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    def texts(self, name: str) -> list[str]:
        """The values of a setting that holds several secrets; none where it is not set."""
        values = self._values.get(name) or ()
        assert isinstance(values, tuple)
        return [each.get_secret_value() for each in values]

    def webhook_secrets(self) -> list[str]:
        """Everything that may have signed a webhook of Shopify's."""
        secrets = self.texts("shopify_webhook_secrets")
        if not self.missing("shopify_client_secret"):
            secrets.append(self.text("shopify_client_secret"))
        return secrets

    def seconds(self, name: str) -> float:
        """Its default where it is wrong."""
        value = self._values.get(name, DoctorSettings.model_fields[name].default)
        assert isinstance(value, float)
        return value


def _value(field: FieldInfo, given: str | None) -> object:
    """One setting by itself: validators of the whole say nothing as long as another is wrong."""
    if given is None:
        return None if field.is_required() else field.default
    kind: Any = field.annotation
    if field.metadata:
        kind = Annotated[kind, *field.metadata]
    try:
        value: object = TypeAdapter(kind).validate_python(given)
    except ValidationError:
        return None
    return value
