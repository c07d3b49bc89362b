"""The support archive: useful, and without a secret."""

import json
import zipfile
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from galago.edge.doctor.bundle import configuration, unit_text, write
from galago.edge.doctor.examination import Report, examine
from galago.edge.doctor.patient import Patient
from galago.edge.doctor.redact import Redactor
from galago.edge.doctor.secrets import known_secrets
from galago.edge.doctor.units import Journal, Line
from tests.edge.doctor.parts import House

# One of each kind that a machine has; none is part of another, or of what may be told.
SECRETS = {
    "rtsp user": "rtspuser-q8",
    "rtsp password": "rtsp p@ss/w9",
    "rtsp path": "rtsppath-4c",
    "rtsp query": "rtspquery-77",
    "mqtt user": "mqttuser-51",
    "mqtt client": "mqttclient-52",
    "mqtt password": "mqttpass-ä€53",
    "webhook path": "hookpath-61",
    "webhook query": "hookquery-62",
    "webhook key": "hookkey-63",
    "web password": "scrypt$16384$8$1$c2FsdHNhbHQ$aGFzaGhhc2g",
    "argument": "Bearer argument-81",
    "credential": "credential-91",
    "handed over": "loadcred-92",
    "set": "setcred-93",
    "environment": "environ ment-94",
    "network": "Neighbours' WLAN",
    "network key": "psk-12 wifi34key",
}

UNIT = """\
# /etc/systemd/system/galago.service
# A comment with {set}
[Service]
ExecStart=/opt/galago/bin/galago run --config /etc/galago/galago.toml
Environment=HOME=%S/galago
WatchdogSec=30

# /etc/systemd/system/galago.service.d/mine.conf
[Service]
LoadCredential=cred:/etc/galago/secrets/cred
SetCredential=other:{set}
Environment="TOKEN={environment}" PLAIN=1
ExecStartPre=/usr/bin/curl \\
  -H {argument} https://example.org/{webhook_path}
X-Mine={environment}
"""

CONFIGURATION = """
device = "porch"
[camera]
source = "rtsp://{rtsp_user}:{quoted}@camera.lan/{rtsp_path}?k={rtsp_query}"
[mqtt]
host = "broker.lan"
username = "{mqtt_user}"
client_id = "{mqtt_client}"
password = "file:{folder}/etc/galago/secrets/mqtt"
[webhook.home]
url = "https://hooks.example.org/{webhook_path}?s={webhook_query}"
secret = "file:{folder}/etc/galago/secrets/hook"
[command.light]
argv = ["/usr/bin/curl", "-H", "{argument}"]
[web]
password = "file:{folder}/etc/galago/secrets/web"
"""


def words(house: House) -> dict[str, str]:
    """What the texts above are filled with."""
    named = {kind.replace(" ", "_"): secret for kind, secret in SECRETS.items()}
    return named | {"quoted": quote(SECRETS["rtsp password"], safe=""), "folder": str(house.root)}


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Patient:
    """A machine with all of them, in its files, its log, and in what the daemon says."""
    house = House(tmp_path_factory.mktemp("house"))
    fill = words(house)
    house.configured(CONFIGURATION.format(**fill))
    for name, kind in {
        "mqtt": "mqtt password",
        "hook": "webhook key",
        "web": "web password",
    }.items():
        house.has(f"/etc/galago/secrets/{name}", f"{SECRETS[kind]}\n")
    house.has("/etc/galago/secrets/cred", SECRETS["handed over"])
    house.has("/run/credentials/galago.service/a", SECRETS["credential"])
    house.has(
        "/etc/NetworkManager/system-connections/home.nmconnection",
        f"[wifi]\nssid={SECRETS['network']}\n[wifi-security]\npsk={SECRETS['network key']}\n",
    )
    said = [
        f"it said {form}, twice: {form}" for secret in SECRETS.values() for form in forms(secret)
    ]
    states = [
        {"name": "camera.failed", "level": "error", "cause": line, "advice": "Look."}
        for line in said
    ]
    house.has("/run/galago/status.json", json.dumps({"health": {"states": states}}))
    house.has("/var/lib/galago/models/state.json", ledger(said))
    found = house.patient()
    found.unit = {"LoadState": "loaded", "ActiveState": "active", "StatusText": said[0]}
    found.unit_files = UNIT.format(**fill)
    now = datetime.now(UTC)
    found.deaths = Journal(
        (
            *(Line(now, "81", 3, line) for line in said),
            Line(now, "81", 3, "[rtsp @ 0x55] rtsp://a:unknown-to-all@camera.lan/x: 401"),
            Line(now, "1", 5, "galago.service: Main process exited, code=killed, status=9/KILL"),
        )
    )
    return found


def forms(secret: str) -> list[str]:
    """How programs write it."""
    basic = b64encode(f"{secret}".encode()).decode()
    return [secret, quote(secret, safe=""), json.dumps(secret), f"Basic {basic}"]


def ledger(said: list[str]) -> str:
    refused = {f"{number:064x}": line for number, line in enumerate(said)}
    trial = {"sha256": "0" * 64, "previous": None, "since": "2026", "deaths": 1}
    return json.dumps({"previous": None, "trial": trial, "refused": refused, "returned": "0" * 64})


@pytest.fixture(scope="module")
def archive(patient: Patient, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its archive."""
    path = tmp_path_factory.mktemp("archive") / "support.zip"
    write(path, patient, examine(patient))
    return path


def unpacked(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def test_no_secret_is_in_the_archive(archive: Path) -> None:
    """Not one byte sequence of any, packed or unpacked, in any form."""
    texts = unpacked(archive) | {"the file itself": archive.read_bytes()}
    for kind, secret in SECRETS.items():
        pieces = {piece for piece in secret.split() if any(map(str.isdigit, piece))}
        for form in {*forms(secret), *pieces}:
            for name, text in texts.items():
                assert form.strip('"').encode() not in text, (kind, form, name)
    assert all(b"unknown-to-all" not in text for text in texts.values())


def test_what_helps_is_in_it(archive: Path) -> None:
    """Findings, settings, unit, log, versions; and a manifest that names them all."""
    texts = {name: text.decode() for name, text in unpacked(archive).items()}
    manifest = json.loads(texts["manifest.json"])
    assert list(texts) == ["manifest.json", *(entry["name"] for entry in manifest["contents"])]
    assert manifest["left_out"]
    assert '"broker.lan"' in texts["configuration.toml"]
    assert 'mqtt.password = "file:' in texts["configuration.toml"]
    assert "loop.rate = # unset" in texts["configuration.toml"]
    assert "status=9/KILL" in texts["service-log.txt"]
    assert "WatchdogSec=30" in texts["service-unit.txt"]
    assert "numpy==" in texts["packages.txt"]
    assert json.loads(texts["findings.json"])["level"] == "error"
    assert json.loads(texts["model-ledger.json"])["trial"]["deaths"] == 1


def test_a_unit_keeps_only_what_says_how_it_runs(house: House) -> None:
    """Comments, unknown keys, long lines and whatever holds a value of the user's own go."""
    text = unit_text(UNIT.format(**words(house)))
    assert "ExecStart=/opt/galago/bin/galago run" in text
    assert "WatchdogSec=30" in text
    assert text.count("Environment=…") == 2
    assert "SetCredential=…" in text
    assert "# /etc/systemd/system/galago.service.d/mine.conf" in text
    assert "comment" not in text
    assert "curl" not in text
    assert "X-Mine" not in text


def test_of_the_configuration_only_known_kinds_of_values_are_taken(patient: Patient) -> None:
    """Also without knowing which of them are secrets."""
    assert patient.loaded is not None
    text = configuration(patient.loaded)
    assert 'mqtt.username = "…"' in text
    assert 'mqtt.client_id = "…"' in text
    assert 'command.light.argv = ["/usr/bin/curl", "…", "…"]' in text
    assert "snapshots.keep_mb = 2000" in text
    assert 'device = "porch"' in text


def test_a_configuration_that_is_none_gives_nothing_away(house: House) -> None:
    """Every text in it may be a secret."""
    house.configured('[webhook.x]\nurl = "https://h.example/S3CR3T"\n[mqtt\npassword = "hunter2x"')
    redact = Redactor(known_secrets(house.patient()))
    assert redact("said hunter2x and S3CR3T") == "said … and …"


def test_a_folder_that_is_not_there_is_one_error(patient: Patient, house: House) -> None:
    """Nothing is left behind."""
    with pytest.raises(FileNotFoundError):
        write(house.root / "nowhere" / "support.zip", patient, Report((), {}))
