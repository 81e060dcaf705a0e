"""The page that is made of results, and its plots."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bench.charts import BLUE, Bar, BarGroup, Spread, apart, draw_bars, nice_ticks
from bench.page import GROUPS, Measured, PageError, read_notes, write_page
from bench.plots import PLOTS
from bench.report import Result, read_json, write_json
from performance.measured import MACHINE, report, result, series

ROOT = Path(__file__).parents[2]


def _growth(empty: float) -> Result:
    return result(
        "growth",
        series("0 files", empty, unit="ms"),
        series("1,000 files", 5.0, 7.0, unit="ms"),
        series("0, CPU", empty, unit="ms"),
        series("1,000, CPU", 5.0, 6.0, unit="ms"),
    )


def _race(name: str = "put-small", peer: str = "nginx", unit: str = "files/s") -> Result:
    race = series("filmroom", 30.0, 31.0, unit=unit), series(peer, 100.0, 90.0, unit=unit)
    return result(name, *race, series("sink", 900.0, 900.0, unit=unit), peer=peer)


def _soak() -> Result:
    rows = ("PUT, CPU", "GET, CPU", "memory")
    return result("soak", *(series(row, *(float(window) + 1 for window in range(50)), unit="ms") for row in rows))


def _lists() -> list[Result]:
    return [result(name, series("json", 0.1, 0.2), series("csv", 0.1)) for name in ("list-10", "list", "list-1000000")]


def _texts(svg: str) -> list[str]:
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def _every_plot() -> dict[str, str]:
    races = [_race(), _race("get-small"), _race("put-large", unit="MiB/s"), _race("zip", "zip -0", "MiB/s")]
    results = [*races, _growth(5.0), _soak(), *_lists()]
    return {plot.name: plot.draw({each.name: each for each in results}) or "" for plot in PLOTS}


def test_what_is_written_by_hand_is_on_the_page_as_it_was_written() -> None:
    notes = {"intro": "In short:\nfast.\n", "how": "With | care.", "put-small": "The wall is *this*.\nAnd that."}

    page = write_page(Measured([report([_race()])]), notes, ())

    assert "In short:\nfast." in page
    assert "With | care." in page
    assert "**put-small.** The wall is *this*.\nAnd that." in page


def test_words_on_a_workload_that_is_not_there_are_an_error_and_not_lost() -> None:
    with pytest.raises(PageError, match="put-smal belong"):
        write_page(Measured([report([_race()])]), {"put-smal": "mistyped"}, ())


def test_every_note_of_this_repository_belongs_to_a_workload() -> None:
    known = {"intro", "how", *(name for group in GROUPS for name in group.workloads)}

    assert set(read_notes(ROOT / "docs" / "performance" / "notes")) - known == set()


def test_of_a_workload_in_two_files_the_last_counts() -> None:
    first = report([_growth(1.0), _race()], measured_on="2026-11-01")
    second = report([_growth(4.0)], measured_on="2026-11-02")

    page = write_page(Measured([first, second]), {}, ())

    assert "| growth | 0 files | 4 ms |" in page
    assert "- 2026-11-01: put-small\n- 2026-11-02: growth" in page


def test_results_of_two_machines_make_no_page() -> None:
    other = report([_growth(1.0)], machine=replace(MACHINE, cpu="another CPU"))

    with pytest.raises(PageError, match="not of one machine"):
        write_page(Measured([report([_race()]), other]), {}, ())


def test_a_workload_in_no_group_is_shown_all_the_same() -> None:
    page = write_page(Measured([report([result("new", series("it", 3.0, unit="s"))])]), {}, ())

    assert "## Other workloads" in page
    assert "| new | it | 3 s |" in page


def test_a_missed_floor_stands_out() -> None:
    page = write_page(Measured([report([_race("put-dicom", "orthanc")])]), {}, ())

    assert "| >= 1 | >= 2 | **FLOOR MISSED** |" in page
    assert "Of 1 goals: 1 floor missed." in page


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    results = [_race(), _growth(5.0)]
    path = tmp_path / "results" / "now.json"

    write_json(path, MACHINE, results)

    read = read_json(path)
    assert read.machine == MACHINE
    assert [each.ratios() for each in read.results] == [each.ratios() for each in results]


def test_every_plot_is_well_formed_and_says_its_units() -> None:
    plots = _every_plot()

    words = {name: " ".join(_texts(svg)) for name, svg in plots.items()}
    assert "files a second" in words["small-uploads"]
    assert "milliseconds" in words["growth"]
    assert "MiB" in words["soak-memory"]
    assert all("floor" in words[name] for name in ("small-uploads", "large-files", "growth", "lists", "soak-memory"))


def test_a_plot_says_which_server_is_which_and_leaves_out_the_sink() -> None:
    words = _texts(_every_plot()["small-uploads"])

    assert {"filmroom", "nginx"} <= set(words)
    assert "sink" not in words


def test_a_plot_of_nothing_is_not_drawn() -> None:
    assert [plot.name for plot in PLOTS if plot.draw({})] == []


def test_text_in_a_plot_is_escaped() -> None:
    group = BarGroup('<b> & "c"', [Bar("a<b", Spread(1, 2, 3), BLUE)])

    svg = draw_bars("Tom & Jerry", "", "x > y", [group])

    assert {"Tom & Jerry", '<b> & "c"', "a<b", "x > y"} <= set(_texts(svg))


def test_labels_that_would_lie_over_each_other_are_pushed_apart() -> None:
    moved = apart([100.0, 300.0, 101.0])

    assert moved[2] - moved[0] >= 15.9
    assert moved[1] == 300.0


@pytest.mark.parametrize("highest", [0.03, 0.9, 1.0, 7.3, 99.0, 1234.0, 10_000.0])
def test_ticks_begin_at_0_and_reach_the_highest(highest: float) -> None:
    ticks = nice_ticks(highest)

    assert ticks[0] == 0
    assert ticks[-1] >= highest > ticks[-2]
    assert 4 <= len(ticks) <= 7
