"""A configuration file: what it gives, and what is said about a wrong one."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from galago.edge.config.read import Loaded, read_config
from galago.edge.config.schema import Config
from galago.errors import ConfigError, UsageError

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a configuration: `write("[web]", …)`."""

    def file(text: str) -> Path:
        path = tmp_path / "galago.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return file


def problems(path: Path) -> list[str]:
    """What is wrong with a file, less its path."""
    with pytest.raises(ConfigError) as caught:
        read_config(path)
    assert all(line.startswith(f"{path}:") for line in caught.value.problems)
    return [line.removeprefix(f"{path}:") for line in caught.value.problems]


def test_without_a_file_everything_is_at_its_default() -> None:
    """No file is the empty file."""
    loaded = read_config(None)
    assert loaded.config == Config()
    assert set(loaded.origins.values()) == {"default"}


def test_a_value_is_taken_and_its_line_known(write: Write) -> None:
    """What is set is in effect, and is known by file and line; the rest is at its default."""
    path = write('device = "porch"\n\n[web]\nport = 80\n[webhook.home]\nurl = "http://a/"\n')
    loaded = read_config(path)
    assert (loaded.config.device, loaded.config.web.port) == ("porch", 80)
    assert loaded.config.webhook["home"].url == "http://a/"
    assert loaded.origins["device"] == f"{path}:1"
    assert loaded.origins["web.port"] == f"{path}:4"
    assert loaded.origins["webhook.home.url"] == f"{path}:6"
    assert loaded.origins["webhook.home.backlog"] == "default"


def test_lines_are_known_however_the_file_is_written(write: Write) -> None:
    """Dotted keys, inline tables, texts and lists over several lines, quoted names, CRLF."""
    path = write(
        'web.port = 1\r\nloop = { rate = 2, motion = true }\r\nmqtt."topic" = """a"""\r\n'
        '[command."x"]\r\nargv = [\r\n  "a", # [web]\r\n  """b\r\n[c]""",\r\n]\r\ntimeout_s = 1\r\n'
    )
    origins = read_config(path).origins
    lines = {key: origin.rpartition(":")[2] for key, origin in origins.items() if origin[0] == "/"}
    assert lines == {
        "web.port": "1",
        "loop.rate": "2",
        "loop.motion": "2",
        "mqtt.topic": "3",
        "command.x.argv": "5",
        "command.x.timeout_s": "10",
    }


def test_a_mark_at_the_beginning_is_no_part_of_the_text(tmp_path: Path) -> None:
    """Some editors put one there."""
    path = tmp_path / "galago.toml"
    path.write_bytes(b"\xef\xbb\xbf[web]\nport = 80\n")
    assert read_config(path).config.web.port == 80


def test_relative_paths_start_at_the_file(write: Write) -> None:
    """Also a secret's."""
    path = write('[model]\nfile = "a.tflite"\n[mqtt]\npassword = "file:secret"\n')
    config = read_config(path).config
    assert config.model.file == path.parent / "a.tflite"
    assert config.mqtt.password is not None
    assert config.mqtt.password.where == f"file:{path.parent / 'secret'}"


def test_all_problems_are_told_at_once_in_their_order(write: Write) -> None:
    """One line each."""
    path = write('devise = "a"\n[web]\nprot = 1\nport = 70000\n[snapshots]\nkeep_mb = "2"\n')
    assert problems(path) == [
        "1: devise: unknown key (did you mean 'device'?)",
        "3: web.prot: unknown key (did you mean 'port'?)",
        "4: web.port: expected a whole number from 0 to 65535, received 70000",
        '6: snapshots.keep_mb: expected a whole number from 1 to 10000000, received "2"',
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[wbe]", "1: wbe: unknown key (did you mean 'web'?)"),
        ("topic = 1", "1: topic: unknown key here: it belongs to [mqtt]"),
        ("url = 1", "1: url: unknown key here: it belongs to [webhook.NAME]"),
        ("web = 1", "1: web: expected a section [web], received 1"),
        ("[[web]]", "1: web: expected a section [web], received a list"),
        ("gpio = 1", "1: gpio: expected sections [gpio.NAME], received 1"),
        (
            "[webhook]\nurl = 1",
            "2: webhook.url: belongs into a section with a name, such as [webhook.home]",
        ),
        (
            '[region."a b"]',
            '1: region."a b": a name has 1 to 40 letters, digits, - and _',
        ),
        ("[loop]\nmotion = 1", "2: loop.motion: expected true or false, received 1"),
        (
            "[loop]\nrate = true",
            "2: loop.rate: expected a number from 0.001 to 1000, received true",
        ),
        ("[loop]\nrate = nan", "2: loop.rate: expected a number from 0.001 to 1000, received nan"),
        (
            "[loop]\nrate = -inf",
            "2: loop.rate: expected a number from 0.001 to 1000, received -inf",
        ),
        (
            "[health]\nhot_celsius = inf",
            "2: health.hot_celsius: expected a number from 20 up, received inf",
        ),
        (
            "[health]\nhot_celsius = 0x" + "f" * 5000,
            "2: health.hot_celsius: expected a number from 20 up, received a very large number",
        ),
        (
            "[web]\nport = 80.0",
            "2: web.port: expected a whole number from 0 to 65535, received 80.0",
        ),
        ("[model]\nfile = 1", "2: model.file: expected a path in quotes, received 1"),
        (
            '[model]\nfile = ""',
            "2: model.file: expected a path, received an empty or unprintable one",
        ),
        (
            '[store]\nfolder = "~/x"',
            (
                '2: store.folder: write the folder out instead of ~, received "~/x": whose home '
                "that is depends on who starts the daemon"
            ),
        ),
        ("device = 2026-11-25", "1: device: expected a text in quotes, received a date or time"),
        (
            'device = "a/b"',
            (
                "1: device: expected a name of 1 to 64 characters without spaces, / + and #, "
                "received 'a/b'"
            ),
        ),
        (
            '[gpio.x]\npin = 1\nmode = "pules"',
            (
                '3: gpio.x.mode: expected one of "while", "pulse", received "pules" (did you mean '
                "'pulse'?)"
            ),
        ),
        (
            '[gpio.x]\npin = 1\nlabels = ["a", 2]',
            "3: gpio.x.labels: expected a list, each a text in quotes, received 2",
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_was_expected(
    write: Write, text: str, problem: str
) -> None:
    """Line, key, what was expected, what was received."""
    assert problems(write(text)) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[webhook.x]", "1: webhook.x.url: must be given: expected an http:// or https:// address"),
        (
            '[webhook.x]\nurl = "ftp://a"',
            "2: webhook.x.url: expected an http:// or https:// address",
        ),
        (
            '[webhook.x]\nurl = "http://[a"',
            "2: webhook.x.url: expected an http:// or https:// address",
        ),
        (
            '[webhook.x]\nurl = "http://a:b@c/"',
            "2: webhook.x.url: has a user or password in it, which no request would carry",
        ),
        (
            "[command.x]",
            '1: command.x.argv: must be given: expected ["/path/of/program", "argument", …]',
        ),
        (
            '[gpio.x]\nlabels = ["a"]',
            "1: gpio.x.pin: must be given: expected a GPIO's number, such as 17",
        ),
        (
            "[gpio.x]\npin = 4",
            '1: gpio.x.labels: must be given: expected ["label", …], or the pin is never on',
        ),
        (
            '[gpio]\nx = { pin = 4, labels = ["a"] }\ny = { pin = 4, labels = ["a"] }',
            "3: gpio.y.pin: pin 4 is [gpio.x]'s",
        ),
        (
            '[gpio.x]\npin = 4\nregion = "door"\nlabels = ["a"]',
            "3: gpio.x.region: expected the name of a [region.NAME] (none yet), received 'door'",
        ),
        (
            '[web]\nkey = "k"',
            "2: web.key: is of no use without its certificate: set certificate as well",
        ),
        (
            '[mqtt]\ntls = true\ncertificate = "k"',
            "3: mqtt.certificate: is of no use without its private key: set key as well",
        ),
        (
            '[mqtt]\nca = "k"',
            "2: mqtt.ca: is of no use without encryption: set tls = true as well",
        ),
        (
            '[mqtt]\nhost = "mqtt://broker:1883"',
            "2: mqtt.host: expected a name or address alone, without mqtt:// and port",
        ),
        (
            '[mqtt]\ntopic = "a/#"',
            "2: mqtt.topic: expected words with / between them, without + and #, received 'a/#'",
        ),
        (
            '[web]\nhost = "0.0.0.0"',
            (
                "2: web.host: '0.0.0.0' can be reached from elsewhere, which needs a password: "
                "write the hash from `galago config password` into a file and name it by password"
            ),
        ),
        (
            "[region.a]\nleft = 0.5",
            "1: region.a.width: left + width is 1.5, expected 1 (the edge) at most",
        ),
        ("[region.a]\nwidth = 0", "2: region.a.width: expected more than 0, received 0"),
        (
            "[region.a]\nleft = 320\nwidth = 100",
            (
                "1: region.a.height: expected pixels, as in the rest of this region, received 1: "
                "write all four in pixels, or all four as shares up to 1"
            ),
        ),
        (
            '[camera]\nsource = "dir:a?lop=1"',
            (
                "2: camera.source: dir: unknown key 'lop': expected fps, pace, loop, patience "
                "(did you mean 'loop'?)"
            ),
        ),
    ],
)
def test_what_cannot_be_together_is_refused(write: Write, text: str, problem: str) -> None:
    """A rule of a part, at the line of the key or, where that is missing, of its section."""
    assert problems(write(text)) == [problem]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_page_for_this_machine_alone_needs_no_password(write: Write, host: str) -> None:
    """Loopback, however it is written."""
    assert read_config(write(f'[web]\nhost = "{host}"')).config.web.is_private


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "porch.lan"])  # noqa: S104 - to be refused
def test_a_page_that_others_reach_is_taken_with_a_password(write: Write, host: str) -> None:
    """Any other address, and any name, with where its hash is."""
    text = f'[web]\nhost = "{host}"\n'
    assert len(problems(write(text))) == 1
    loaded = read_config(write(f'{text}password = "file:/etc/galago/web-password"'))
    assert not loaded.config.web.is_private


def test_without_a_page_its_address_is_nobodys_business(write: Write) -> None:
    """Who switches it off need not invent a password."""
    assert not read_config(write('[web]\nenabled = false\nhost = "0.0.0.0"')).config.web.enabled


@pytest.mark.parametrize("secret", ["credential:a/b", "credential:", "file:", "file:~/x"])
def test_a_reference_that_leads_nowhere_is_refused(write: Write, secret: str) -> None:
    """A credential is a name, without a path; a file is a path, and not a shell's."""
    (problem,) = problems(write(f'[mqtt]\npassword = "{secret}"'))
    assert problem.startswith("2: mqtt.password: ")


def test_a_class_may_have_any_name(write: Write) -> None:
    """It is the folder's that its pictures came from."""
    loaded = read_config(write('[decision.label."golden retriever"]\nenter = 0.9'))
    assert loaded.config.decision.label["golden retriever"].enter == 0.9
    assert loaded.origins['decision.label."golden retriever".enter'].endswith(":2")


@pytest.mark.parametrize("value", ["314159", "3.14159", '"314159"', '"file:314159\\u0000"'])
def test_a_secret_that_is_written_down_is_not_repeated(write: Write, value: str) -> None:
    """Nor is one that is a number, or not even a text."""
    (problem,) = problems(write(f"[mqtt]\npassword = {value}"))
    assert problem.startswith("2: mqtt.password: ")
    assert "14159" not in problem


def test_a_text_without_an_end_is_refused(write: Write) -> None:
    """No program can be given one with a zero byte."""
    (problem,) = problems(write('[command.x]\nargv = ["a\\u0000b"]'))
    assert problem.startswith("2: command.x.argv: expected a list, each a text in quotes, received")


def test_a_rule_of_a_part_does_not_follow_from_a_problem(write: Write) -> None:
    """Who has misspelt the password's key is not told as well that there is none."""
    text = '[web]\nhost = "0.0.0.0"\npasword = "file:/x"'
    assert problems(write(text)) == ["3: web.pasword: unknown key (did you mean 'password'?)"]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"[web", "1: is not TOML: "),
        (b"a = 1\na = 2", "2: is not TOML: "),
        (b"a = " + b"[" * 100_000, " is not TOML that can be read: lists or tables are nested"),
        (b"a = " + b"9" * 5000, " is not TOML: "),
        (b"a = 1\nb = \xff", "2: is not UTF-8 text"),
        (b"#" * 256_001, " has more than 256000 bytes"),
    ],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, raw: bytes, problem: str) -> None:
    """In one line, with the line of the file where the parser names one."""
    path = tmp_path / "galago.toml"
    path.write_bytes(raw)
    (line,) = problems(path)
    assert line.startswith(problem)


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A file that is missing, and a folder."""
    assert problems(tmp_path / "x.toml") == [" cannot be read: No such file or directory"]
    assert problems(tmp_path) == [" cannot be read: Is a directory"]


def overridden(key: str, value: str | float | None) -> Loaded:
    return read_config(None).overridden(key, value)


def test_the_command_line_comes_before_the_file(write: Write) -> None:
    """What is given there is in effect and is said to come from there."""
    loaded = read_config(write('[camera]\nsource = "usb:1"'))
    loaded = loaded.overridden("camera.source", "usb:0").overridden("model.threads", None)
    assert loaded.config.camera.source == "usb:0"
    assert loaded.origins["camera.source"] == "command line"
    assert loaded.origins["model.threads"] == "default"
    assert overridden("model.file", "a.tflite").config.model.file == Path("a.tflite")


def test_the_command_line_is_judged_like_the_file() -> None:
    """By the key's bounds and the part's rules."""
    with pytest.raises(UsageError, match=r"model.threads: expected a whole number from 1 to 64"):
        overridden("model.threads", 0)
    with pytest.raises(UsageError, match=r"camera.source: unknown camera kind 'usv'"):
        overridden("camera.source", "usv:0")


@pytest.mark.parametrize("form", ["{} = 1", "[{}]\nb = 1"])
def test_nested_names_cost_no_recursion(write: Write, form: str) -> None:
    """The parser goes as deep as one likes; the file is refused without a crash."""
    deep = ".".join("a" for _ in range(2 * sys.getrecursionlimit()))
    assert problems(write(form.format(deep)))
