"""The second page as Streamlit runs it: what it shows of the service's figures."""

from dataclasses import fields
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from Frontend.answers_statistics import Colours
from Frontend.charts import bars, channels, channels_against
from Frontend.texts import TEXTS
from Frontend.texts_statistics import ENGLISH, KOREAN, StatisticsTexts
from tests.frontend.conftest import Service


@pytest.fixture
def page(service: Service, repository: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """Return the page, run once, talking to the stand-in."""
    st.cache_data.clear()
    monkeypatch.setenv("SIMILOOK_API_URL", service.url)
    monkeypatch.setenv("SIMILOOK_API_RETRIES", "0")
    return AppTest.from_file(repository / "Frontend" / "pages" / "catalogue.py", default_timeout=30).run()


def html(page: AppTest) -> str:
    """Return all HTML on the page."""
    return "".join(element.proto.body for element in page.get("html"))


@pytest.mark.parametrize("name", [field.name for field in fields(StatisticsTexts)])
def test_every_sentence_is_said_in_both_languages(name: str) -> None:
    english, korean = getattr(ENGLISH, name), getattr(KOREAN, name)
    assert english and korean and english != korean


def test_the_figures_are_shown(page: AppTest) -> None:
    assert not page.exception
    shown = html(page)
    assert ENGLISH.title in shown
    assert "<dd>1,234</dd>" in shown
    assert "Half of the products cost €40.00 or less." in shown
    assert len(page.get("vega_lite_chart")) + len(page.get("arrow_vega_lite_chart")) == 10
    assert "compact" in shown


def test_words_of_a_catalogue_are_shown_as_text(page: AppTest) -> None:
    assert "<script" not in html(page)
    assert "&lt;script&gt;" in html(page)


def test_a_product_that_has_gone_is_explained(page: AppTest, service: Service) -> None:
    service.mood.products = []
    page.run()
    assert not page.exception
    assert ENGLISH.compare_unknown in html(page)


def test_an_empty_catalogue_is_shown_as_one(page: AppTest, service: Service) -> None:
    service.mood.products = []
    st.cache_data.clear()
    page.run()
    assert not page.exception
    shown = html(page)
    for sentence in (ENGLISH.prices_none, ENGLISH.colours_none, ENGLISH.index_none):
        assert sentence in shown
    assert len(page.get("vega_lite_chart")) + len(page.get("arrow_vega_lite_chart")) == 0


def test_korean_throughout(page: AppTest) -> None:
    page.button_group(key="language").set_value("ko").run()
    assert not page.exception
    shown = html(page)
    assert KOREAN.title in shown and KOREAN.intro in shown
    assert ENGLISH.intro not in shown


def test_a_service_that_is_down_can_be_asked_again(page: AppTest, service: Service) -> None:
    service.mood.problem = (503, "not-ready", "Starting.")
    st.cache_data.clear()
    page.run()
    assert not page.exception
    assert ENGLISH.title in html(page)
    service.mood.problem = None
    page.button(key="retry").click().run()
    assert "<dd>1,234</dd>" in html(page)


def test_figures_are_shown_although_the_list_of_products_fails(page: AppTest, service: Service) -> None:
    service.mood.list_problem = (503, "database-unavailable", "Starting.")
    st.cache_data.clear()
    page.run()
    assert not page.exception
    shown = html(page)
    assert "<dd>1,234</dd>" in shown
    assert TEXTS["en"].error_down in shown
    assert "compact" in shown
    assert not page.selectbox
    service.mood.list_problem = None
    page.run()
    assert page.selectbox(key="compare").options


def test_plots_hold_what_they_are_given() -> None:
    chart = bars([("navy", 0.25), ("red", 0.5)], "Share", ["#000080", "#ff0000"], percent=True).to_dict()
    (rows,) = chart["datasets"].values()
    assert [(row["name"], row["value"], row["text"]) for row in rows] == [
        ("navy", 0.25, "25.0%"),
        ("red", 0.5, "50.0%"),
    ]
    spread = Colours(pictures=1, red=(0.75, 0.25), green=(1.0, 0.0), blue=(0.5, 0.5))
    (rows,) = channels(spread, ("r", "g", "b"), "x", "y").to_dict()["datasets"].values()
    assert [row["share"] for row in rows if row["channel"] == "r"] == [0.75, 0.25, 0.25]
    assert [plot.title for plot in channels_against(spread, spread, ("a", "b"), ("r", "g", "b"), "x")] == [
        "r",
        "g",
        "b",
    ]
