"""What a machine tells of itself."""

from pathlib import Path

from galago.edge.machine import this_machine


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_pi_tells_its_name_heat_and_throttling(tmp_path: Path) -> None:
    """From the files that its kernel shows."""
    sys, proc = tmp_path / "sys", tmp_path / "proc"
    write(proc / "device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    write(proc / "meminfo", "MemTotal:        1892352 kB\nMemFree: 1 kB\n")
    write(sys / "class/thermal/thermal_zone0/temp", "61835\n")
    write(sys / "devices/platform/soc/soc:firmware/get_throttled", "50005\n")
    machine = this_machine(sys, proc)
    assert machine.model == "Raspberry Pi 4 Model B Rev 1.4"
    assert machine.memory_mb == 1848
    assert machine.temperature_c == 61.835
    assert machine.throttling == (
        "undervoltage now", "throttled now", "undervoltage since boot", "throttled since boot",
    )  # fmt: skip
    assert "61.8 °C" not in str(machine)
    assert "62 °C, undervoltage now" in str(machine)


def test_a_machine_that_tells_nothing_is_no_error(tmp_path: Path) -> None:
    """Unknown is None, and the line has no gap."""
    machine = this_machine(tmp_path, tmp_path)
    assert (machine.memory_mb, machine.temperature_c, machine.throttling) == (None, None, None)
    assert "None" not in str(machine)
