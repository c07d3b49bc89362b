"""What Home Assistant is told once, so that it shows a camera by itself: MQTT device discovery.

- One retained message announces the whole device. Entities keep their ids for as long as device and
  regions keep their names.
- What is seen is one event entity and two sensors, for the whole picture or for each region. A
  sensor for each label is there, switched off until somebody wants it, where labels are few.

Source: Home Assistant's integration `mqtt`; its own schema judges this in
tests/edge/publish/test_homeassistant.py.
"""

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any, TypeAlias

from galago.edge.publish.topics import Topics, fit
from galago.edge.vitals.document import Status

Components: TypeAlias = dict[str, dict[str, Any]]

BIRTH_TOPIC, BIRTH = "homeassistant/status", "online"

_MOST_LABEL_SENSORS = 24
_UNKNOWN = "unknown"


def discovery_topic(prefix: str, device: str) -> str:
    """Where a device is announced; an empty retained message there takes it away."""
    return f"{prefix}/device/{_ident(device)}/config"


def announcement(
    device: str, status: Status, regions: Sequence[str], topics: Topics, *, images: bool
) -> bytes:
    """The whole device. `regions`: names; none: the whole picture is looked at."""
    ident = _ident(device)
    model = status["model"]
    components: Components = {}
    for region in regions or (None,):
        components |= _seen(region, model["labels"], topics)
    if (len(regions) or 1) * len(model["labels"]) <= _MOST_LABEL_SENSORS:
        for region in regions or (None,):
            components |= _each_label(region, model["labels"], topics)
    components |= _diagnostics(topics)
    if images:
        components["image"] = _image(topics)
    for key, component in components.items():
        component["unique_id"] = f"{ident}_{key}"
    document = {
        "device": {
            "identifiers": [ident],
            "name": device,
            "manufacturer": "Galago",
            "model": status["machine"]["model"],
            "sw_version": status["version"],
        },
        "origin": {"name": "Galago", "sw_version": version("galago")},
        "availability_topic": topics.availability,
        "qos": 1,
        "components": components,
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _ident(device: str) -> str:
    return f"galago-{fit(device)}"


def _seen(region: str | None, labels: list[str], topics: Topics) -> Components:
    types = [*labels, *([] if _UNKNOWN in labels else [_UNKNOWN])]
    # Events of other regions become nothing, which Home Assistant passes over.
    only = f"{{{{ value if value_json.region == {_quoted(region)} else '' }}}}"
    return {
        _key("event", region): {
            "platform": "event",
            "name": _name("Event", region),
            "state_topic": topics.event,
            "value_template": only,
            "event_types": types,
        },
        _key("label", region): {
            "platform": "sensor",
            "name": _name("Seen", region),
            "state_topic": topics.state,
            "value_template": f"{{{{ {_now(region)}.label }}}}",
            "device_class": "enum",
            "options": types,
        },
        _key("confidence", region): {
            "platform": "sensor",
            "name": _name("Confidence", region),
            "state_topic": topics.state,
            "value_template": f"{{{{ ({_now(region)}.score * 100) | round }}}}",
            "unit_of_measurement": "%",
            "state_class": "measurement",
        },
    }


def _each_label(region: str | None, labels: list[str], topics: Topics) -> Components:
    return {
        _key(f"is_{fit(label)}", region): {
            "platform": "binary_sensor",
            "name": _name(label, region),
            "state_topic": topics.state,
            "value_template": (
                f"{{{{ 'ON' if {_now(region)}.label == {_quoted(label)} else 'OFF' }}}}"
            ),
            "device_class": "occupancy",
            "enabled_by_default": False,
        }
        for label in labels
    }


def _diagnostics(topics: Topics) -> Components:
    return {
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "state_topic": topics.health,
            "value_template": "{{ 'OFF' if value_json.health.level == 'ok' else 'ON' }}",
            "json_attributes_topic": topics.health,
            "json_attributes_template": "{{ value_json.health | tojson }}",
            "device_class": "problem",
            "entity_category": "diagnostic",
        },
        "temperature": {
            **_diagnostic("Temperature", "value_json.machine.celsius", topics),
            "device_class": "temperature",
            "unit_of_measurement": "°C",
        },
        "rate": {
            **_diagnostic("Pictures per second", "value_json.loop.rate", topics),
            "unit_of_measurement": "Hz",
        },
        "model": _update(topics),
    }


def _diagnostic(name: str, value: str, topics: Topics) -> dict[str, Any]:
    return {
        "platform": "sensor",
        "name": name,
        "state_topic": topics.health,
        "value_template": f"{{{{ {value} }}}}",
        "state_class": "measurement",
        "entity_category": "diagnostic",
    }


def _update(topics: Topics) -> dict[str, Any]:
    """Which model is installed; what is newer is not known here, and not installed from there."""
    installed = "value_json.model.sha256[:12]"
    return {
        "platform": "update",
        "name": "Model",
        "state_topic": topics.health,
        "value_template": (
            f"{{{{ {{'installed_version': {installed}, 'latest_version': {installed}, "
            "'title': value_json.model.name} | tojson }}"
        ),
        "entity_category": "diagnostic",
    }


def _image(topics: Topics) -> dict[str, Any]:
    return {
        "platform": "image",
        "name": "Latest event",
        "image_topic": topics.image,
        "content_type": "image/jpeg",
    }


def _now(region: str | None) -> str:
    return "value_json" if region is None else f"value_json.regions[{_quoted(region)}]"


def _key(what: str, region: str | None) -> str:
    return what if region is None else f"{fit(region)}_{what}"


def _name(what: str, region: str | None) -> str:
    return what if region is None else f"{what}, {region}"


def _quoted(text: str | None) -> str:
    """As a literal of Jinja's, whose texts are written as JSON's are."""
    return "none" if text is None else json.dumps(text, ensure_ascii=False)
