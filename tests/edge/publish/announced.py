"""Run by Home Assistant's own Python: what it makes of an announcement.

Standard input: a list of {"announcement": text, "messages": {topic: [text]}}. Standard output: for
each of them, by entity, its platform, and what its template makes of each message of its topic.

Both of its schemas judge each entity: the one of discovery, which drops what it does not know, and
the strict one of its configuration files, which has the same keys.
"""

import asyncio
import importlib
import json
import logging
import sys
import tempfile
from typing import Any

from homeassistant.components.mqtt import discovery  # type: ignore[import-not-found]
from homeassistant.components.mqtt.update import (  # type: ignore[import-not-found]
    MQTT_JSON_UPDATE_SCHEMA,
)
from homeassistant.core import HomeAssistant  # type: ignore[import-not-found]

_KEPT = ("platform", "unique_id", "event_types", "options")


def judge(hass: Any, payload: str) -> dict[str, dict[str, Any]]:
    """The entities, as Home Assistant takes them apart."""
    device = discovery._parse_device_payload(hass, payload, "porch", None)
    if not device:
        sys.exit("the whole announcement is refused")
    entities = {}
    for key, config in device["components"].items():
        platform = config.pop("platform")
        config["device"] = device["device"]
        discovery._merge_common_device_options(config, device)
        module = importlib.import_module(f"homeassistant.components.mqtt.{platform}")
        module.DISCOVERY_SCHEMA(dict(config))
        entities[key] = {"platform": platform, **module.PLATFORM_SCHEMA_MODERN(dict(config))}
    return entities


def show(entity: dict[str, Any], messages: list[str]) -> list[Any]:
    """What it makes of messages: its state, then its attributes."""
    shown = []
    for name in ("value_template", "json_attributes_template"):
        if name in entity:
            render = entity[name].async_render_with_possible_json_value
            shown += [render(text, parse_result=False) for text in messages]
    if entity["platform"] == "update":
        shown = [MQTT_JSON_UPDATE_SCHEMA(json.loads(text)) for text in shown]
    return shown


def answer(hass: Any, asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What it makes of one announcement and the messages after it."""
    answers = {}
    for key, entity in judge(hass, asked["announcement"]).items():
        messages = asked["messages"].get(entity.get("state_topic"), [])
        kept = {name: entity[name] for name in _KEPT if name in entity}
        answers[key] = {**kept, "shown": show(entity, messages)}
    return answers


async def main() -> None:
    """As the module says."""
    with tempfile.TemporaryDirectory() as folder:
        hass = HomeAssistant(folder)
        print(json.dumps([answer(hass, asked) for asked in json.load(sys.stdin)]))  # noqa: T201


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(main())
