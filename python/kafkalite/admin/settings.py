"""Settings of topics, brokers and groups: described and changed."""

from __future__ import annotations

from collections.abc import Mapping

from kafkalite._properties import as_property
from kafkalite.admin import asking
from kafkalite.admin.descriptions import Config
from kafkalite.admin.part import AdminPart
from kafkalite.errors import InvalidSettingError, KafkaError

_INVALID_REQUEST = 42


class SettingAdmin(AdminPart):
    """What an Admin does with settings."""

    def describe_config(
        self, *, topic: str | None = None, broker: int | None = None, group: str | None = None
    ) -> Config:
        """Return all settings of a topic, a broker or a group, by Kafka's dotted names."""
        kind, name = asking.resource(self._native, topic, broker, group)
        return asking.config(self._native, kind, name)

    def alter_config(
        self,
        changes: Mapping[str, object] | None = None,
        *,
        topic: str | None = None,
        broker: int | None = None,
        group: str | None = None,
        append: Mapping[str, object] | None = None,
        subtract: Mapping[str, object] | None = None,
        dry_run: bool = False,
    ) -> None:
        """Change settings of a topic, a broker or a group; all others stay as they are (KIP-339).

        Args:
            changes: new values by Kafka's dotted names; ``None`` takes a setting back to its default.
            topic: whose settings.
            broker: whose settings.
            group: whose settings.
            append: what to add to settings that are lists, for example ``{"cleanup.policy": "compact"}``.
            subtract: what to take out of them.
            dry_run: only ask whether the broker would do it.

        Raises:
            InvalidSettingError: a setting is unknown, read-only, or does not take that value; nothing was changed.
            UnknownTopicError: there is no such topic.
        """
        kind, name = asking.resource(self._native, topic, broker, group)
        steps = [(key, "unset" if value is None else "set", value) for key, value in (changes or {}).items()]
        steps += [(key, "append", value) for key, value in (append or {}).items()]
        steps += [(key, "subtract", value) for key, value in (subtract or {}).items()]
        asking.check_names(self._native, kind, name, [key for key, _, _ in steps])
        written = [(key, how, "" if value is None else as_property(value)) for key, how, value in steps]
        try:
            self._native.alter_configs(kind, name, written, dry_run)
        except KafkaError as error:
            if error.code != _INVALID_REQUEST:
                raise
            # Brokers refuse a value of their own settings with this code, and one of a topic's with INVALID_CONFIG.
            raise InvalidSettingError(str(error), code=error.code) from error
