"""What the API answers, over real connections to the real process."""

import io
import json
import time
import zipfile
from http.client import HTTPResponse

import pytest

from galago.edge.snapshots.place import files
from tests.edge.web.client import Client
from tests.edge.web.daemon import Camera

SOON_S = 10.0


def wait_for(page: Client, name: str | None) -> None:
    """Until the picture is in the store."""
    deadline = time.monotonic() + SOON_S
    while page.get(f"/api/snapshots/{name}").status != 200:
        assert time.monotonic() < deadline, f"{name} never came"
        time.sleep(0.02)


def messages(stream: HTTPResponse) -> list[tuple[str, str | None, object]]:
    """(event, id, data) of what is there at the least, of server-sent events."""
    found: list[tuple[str, str | None, object]] = []
    fields: dict[str, str] = {}
    while not found or fields:
        line = stream.readline().decode().rstrip("\n")
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            found.append((fields["event"], fields.get("id"), json.loads(fields["data"])))
            fields = {}
        else:
            fields = {}
    return found


def test_events_are_told_newest_first_and_page_by_page(page: Client, open_camera: Camera) -> None:
    """`before` goes on where the last answer ended; `label` chooses."""
    for label in ("bird", "empty", "bird", "squirrel"):
        wait_for(page, open_camera.see(label))
    newest = page.get("/api/events?limit=3").document
    assert [event["label"] for event in newest] == ["squirrel", "bird", "empty"]
    older = page.get(f"/api/events?limit=1&before={newest[-1]['number']}").document
    assert older[0]["number"] == newest[-1]["number"] - 1
    birds = page.get("/api/events?label=bird&limit=2").document
    assert {event["label"] for event in birds} == {"bird"}
    assert page.get(f"/api/events/{newest[0]['number']}").document == newest[0]
    assert newest[0]["picture"]["name"] == newest[0]["snapshot"]


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("/api/events?limit=0", "limit must be a whole number from 1 to 200"),
        ("/api/events?limit=1e9", "limit must be"),
        ("/api/events?before=-1", "before must be"),
        ("/api/events?colour=red", "unknown parameter: expected before, limit, label"),
        ("/api/events?limit=1&limit=2", "a parameter is given twice"),
        ("/api/snapshots?kind=any", "kind must be one of event, uncertain"),
        ("/api/snapshots?marked=yes", "marked must be true or false"),
        ("/api/snapshots?before=../x", "before must match"),
        ("/api/shares?until=5", "since is missing"),
        ("/api/shares?since=5&until=5", "until must be after since"),
        ("/api/shares?since=0&until=99999&step=1", "until must be after since"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name(page: Client, path: str, complaint: str) -> None:
    """422, and what would be right."""
    answer = page.get(path)
    assert answer.status == 422
    assert complaint in answer.document["error"]


def test_a_picture_is_marked_and_the_mark_taken_back(page: Client, open_camera: Camera) -> None:
    """Right, wrong, another label, nothing: as it was said last."""
    name = open_camera.wonder("bird", 0.5)
    wait_for(page, name)
    for truth in ("bird", "squirrel", "", None):
        answer = page.mark(name, truth)
        assert (answer.status, answer.document["truth"]) == (200, truth)
    names = [p["name"] for p in page.get("/api/snapshots?kind=uncertain&unmarked=true").document]
    assert name in names


@pytest.mark.parametrize("truth", ["dog", 7, True, ["bird"], {"truth": "bird"}, "\ud800"])
def test_a_mark_that_is_no_label_is_refused(
    page: Client, open_camera: Camera, truth: object
) -> None:
    """And nothing is written."""
    name = open_camera.wonder("empty", 0.5)
    wait_for(page, name)
    assert page.mark(name, truth).status == 422
    assert page.get(f"/api/snapshots/{name}").document["truth"] is None


def test_a_mark_needs_json_and_the_same_origin(page: Client, open_camera: Camera) -> None:
    """Another site cannot make a browser mark pictures, password or not."""
    name = open_camera.wonder("empty", 0.5)
    wait_for(page, name)
    path, body = f"/api/snapshots/{name}/truth", b'{"truth": "bird"}'
    json_ = {"Content_Type": "application/json"}
    assert page.ask("PUT", path, body, Content_Type="text/plain").status == 415
    assert page.ask("PUT", path, b"{", **json_).status == 422
    assert page.ask("PUT", path, b'{"truth": "bird", "x": 1}', **json_).status == 422
    assert page.ask("PUT", path, body, Origin="http://evil.example", **json_).status == 403
    assert page.ask("PUT", path, body, Origin="null", **json_).status == 403
    assert page.ask("PUT", path, body, Sec_Fetch_Site="same-site", **json_).status == 403
    assert page.get(f"/api/snapshots/{name}").document["truth"] is None
    assert page.ask("PUT", path, body, Origin=page.address, **json_).status == 200


def test_without_a_password_only_this_machines_names_are_answered(page: Client) -> None:
    """A name that somebody has resolved to 127.0.0.1 reads nothing."""
    for host in (
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "",
        "a@b",
        "[",
    ):
        assert page.get("/api/status", Host=host).status == 403
    for host in ("localhost", "localhost:1", "127.0.0.1", "127.9.9.9:80", "[::1]:8080"):
        assert page.get("/api/status", Host=host).status == 200


def test_another_site_may_link_but_not_embed(page: Client) -> None:
    """A picture or a script from elsewhere is refused; a link that is followed is not."""
    image = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "no-cors"}
    assert page.get("/live.jpg", **image).status == 403
    link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"}
    assert page.get("/", **link).status == 200


def test_pictures_are_kept_by_the_browser_for_ever(page: Client, open_camera: Camera) -> None:
    """A name is used once. The whole, the crop and the small one are JPEGs; there is no film."""
    name = open_camera.see("bird")
    wait_for(page, name)
    for suffix in (".jpg", ".crop.jpg", ".small.jpg"):
        answer = page.get(f"/pictures/{name}{suffix}")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/jpeg")
        assert "immutable" in answer.headers["cache-control"]
        assert answer.body.startswith(b"\xff\xd8")
    assert page.get(f"/pictures/{name}.webm").status == 404


@pytest.mark.parametrize(
    "file",
    [
        "galago.db",
        "..%2fgalago.db",
        "%2e%2e%2f%2e%2e%2fgalago.db",
        "../../galago.db",
        "20261124T215955.123Z_cat.jpg%00.png",
        "20261124T215955.123Z_cat.exe",
        "20261124T215955.123Z_cat.jpg",
        "20261124T215955.123Z_..%2fx.jpg",
    ],
)
def test_no_name_leads_to_another_file(page: Client, file: str) -> None:
    """Only names of the store are looked for on the disk."""
    assert page.get(f"/pictures/{file}").status == 404


def test_a_file_that_the_store_does_not_know_is_not_served(
    page: Client, open_camera: Camera
) -> None:
    """Whoever put it there."""
    path = files(open_camera.folder, "20200101T000000.000Z_cat").full
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not of the store")
    assert page.get(f"/pictures/{path.name}").status == 404


def test_marked_pictures_are_downloaded_as_a_dataset(page: Client, open_camera: Camera) -> None:
    """A folder for each label; what is only known to be wrong is left out."""
    marks = {"bird": 2, "squirrel": 1, "": 1}
    expected = set()
    for truth, count in marks.items():
        for _ in range(count):
            name = open_camera.wonder("empty", 0.5)
            wait_for(page, name)
            page.mark(name, truth)
            expected.add(f"{truth}/{name}.jpg")
            time.sleep(0.002)  # names are by the millisecond
    answer = page.get("/api/training.zip")
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert {n for n in expected if not n.startswith("/")} <= names
        assert not any(n.startswith("/") for n in names)
        assert all(archive.read(n).startswith(b"\xff\xd8") for n in names)


def test_shares_are_summed_by_spans(page: Client, open_camera: Camera) -> None:
    """Seconds of each label in each hour."""
    open_camera.pass_time(3, {"bird": [12.0] * 24})
    until = int(time.time() // 60)
    rows: list[dict[str, object]] = []
    deadline = time.monotonic() + SOON_S
    while len(rows) < 3 and time.monotonic() < deadline:
        rows = page.get(f"/api/shares?since={until - 180}&until={until}&step=60").document
    assert {row["label"] for row in rows} == {"bird"}
    assert page.get(f"/api/minutes?since={until - 180}&until={until}").document


def test_an_event_comes_by_the_stream_once(page: Client, open_camera: Camera) -> None:
    """With the status before it; who connects again gets what it has missed."""
    last = page.get("/api/events?limit=1").document
    number = last[0]["number"] if last else 0
    with page.open(f"/api/stream?after={number}") as stream:
        (kind, _, status), *_ = messages(stream)
        assert kind == "status"
        assert isinstance(status, dict)
        assert status["device"] == "feeder"
        name = open_camera.see("squirrel")
        told: list[tuple[str, str | None, object]] = []
        while not told:
            told = [m for m in messages(stream) if m[0] == "event"]
    assert [(id_, event["snapshot"]) for _, id_, event in told] == [  # type: ignore[index]
        (str(number + 1), name)
    ]
    again = Client(page.address, {"Last-Event-ID": str(number)})
    with again.open("/api/stream?after=999") as stream:
        missed = [m for _ in range(2) for m in messages(stream) if m[0] == "event"]
    assert missed[0][1] == str(number + 1)


def test_the_live_picture_moves_and_says_when_it_was_taken(page: Client) -> None:
    """Each part of the stream is a JPEG with its time, later than the one before."""
    taken = []
    with page.open("/live.mjpeg") as stream:
        for _ in range(3):
            head = {}
            assert stream.readline().strip() == b"--frame"
            while line := stream.readline().strip():
                name, _, value = line.decode().partition(": ")
                head[name] = value
            assert stream.read(int(head["Content-Length"])).startswith(b"\xff\xd8")
            stream.readline()
            taken.append(int(head["X-Time"]))
    assert taken == sorted(set(taken))
    assert abs(taken[-1] / 1000 - time.time()) < SOON_S


def test_the_document_tells_of_every_route_of_the_api(page: Client) -> None:
    """OpenAPI 3.1, with what may be sent and what comes back."""
    document = page.get("/api/openapi.json").document
    assert document["openapi"].startswith("3.1")
    assert "/api/snapshots/{name}/truth" in document["paths"]
    assert "/login" not in document["paths"]
    limit = document["paths"]["/api/events"]["get"]["parameters"][1]
    assert limit["schema"]["maximum"] == 200
