"""The plots of the page of statistics: pandas frames drawn by Altair, in the page's own colours."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import altair as alt
import pandas as pd

from Frontend.answers_statistics import Colours

EARTH = "#8c3b24"
INK = "#1f1b17"
SOFT = "#6b645b"
LINE = "#e4ddd2"
CHANNELS = {"red": "#b5392b", "green": "#3f7d4a", "blue": "#2f5fa5"}
ROW_PX = 26
HEIGHT_PX = 240
CHANNEL_PX = 120
STEP = 16
Plot: TypeAlias = alt.Chart | alt.LayerChart
FONT = "'Helvetica Neue', 'Segoe UI', 'Noto Sans KR', 'Noto Sans', Arial, sans-serif"


def bars(rows: Sequence[tuple[str, float]], value: str, colours: Sequence[str] = (), percent: bool = False) -> Plot:
    """Return one horizontal bar for each row, in their order.

    Args:
        rows: name and length.
        value: what the length is, for the tooltip.
        colours: of each bar; empty for the page's own.
        percent: whether the lengths are shares, 0..1.
    """
    frame = pd.DataFrame(rows, columns=["name", "value"])
    frame["colour"] = list(colours) or EARTH
    frame["text"] = [f"{number:.1%}" if percent else f"{number:,.0f}" for number in frame["value"]]
    most = float(frame["value"].max()) or 1.0
    base = alt.Chart(frame).encode(
        y=alt.Y(
            "name:N", sort=None, title=None, axis=alt.Axis(domain=False, ticks=False, labelLimit=130, labelPadding=8)
        ),
        x=alt.X("value:Q", title=None, axis=None, scale=alt.Scale(domain=[0, 1.18 * most])),
        tooltip=[alt.Tooltip("name:N", title=" "), alt.Tooltip("text:N", title=value)],
    )
    body = base.mark_bar(height=14, stroke=LINE, strokeWidth=1 if colours else 0).encode(
        color=alt.Color("colour:N", scale=None)
    )
    return _dressed((body + base.mark_text(align="left", dx=6, color=SOFT).encode(text="text:N")), alt.Step(ROW_PX))


def prices(bins: Sequence[tuple[float, float, int]], x: str, y: str, last_is_open: bool) -> Plot:
    """Return the histogram of prices.

    Args:
        bins: low, high and number of each.
        x: title of the axis; y likewise.
        last_is_open: whether the last bin holds everything dearer as well.
    """
    frame = pd.DataFrame(bins, columns=["low", "high", "count"])
    frame["text"] = [f"{low:,.10g} – {high:,.10g}" for low, high, _ in bins]
    if last_is_open and len(frame):
        frame.loc[len(frame) - 1, "text"] = f"{bins[-1][0]:,.10g} –"
    chart = alt.Chart(frame).mark_bar(color=EARTH, stroke="#faf8f4", strokeWidth=1)
    return _dressed(
        chart.encode(
            x=alt.X("low:Q", bin="binned", title=x, axis=alt.Axis(grid=False, format="~s", tickCount=5)),
            x2="high:Q",
            y=alt.Y("count:Q", title=y, axis=alt.Axis(tickCount=4, tickMinStep=1)),
            tooltip=[alt.Tooltip("text:N", title=x), alt.Tooltip("count:Q", title=y)],
        ),
        HEIGHT_PX,
    )


def channels(colours: Colours, names: Sequence[str], x: str, y: str) -> Plot:
    """Return how bright the pixels are in each channel: three histograms in one.

    Args:
        names: of red, green and blue.
        x: title of the axis; y likewise.
    """
    frame = _channel_frame({"": colours}, names)
    chart = alt.Chart(frame).mark_line(interpolate="step-after", strokeWidth=2)
    return _dressed(chart.encode(**_channel_axes(names, x, y), color=_channel_colours(names)), HEIGHT_PX)


def channels_against(
    own: Colours, matches: Colours, words: tuple[str, str], names: Sequence[str], x: str
) -> list[Plot]:
    """Return a plot for each channel: the product's a line, that of its matches filled.

    Args:
        words: for the product and for the matches.
        names: of red, green and blue.
        x: title of the axis.
    """
    frame = _channel_frame({words[0]: own, words[1]: matches}, names)
    base = alt.Chart(frame).encode(
        x=alt.X("level:Q", title=x, scale=alt.Scale(domain=[0, 256]), axis=alt.Axis(grid=False, values=[0, 128, 255])),
        y=alt.Y("share:Q", title=None, axis=alt.Axis(format="%", tickCount=3)),
    )
    here = alt.datum.of == words[0]
    tooltip = [alt.Tooltip("of:N", title=" "), alt.Tooltip("share:Q", format=".1%", title=" ")]
    filled = base.transform_filter(~here).mark_area(interpolate="step-after", opacity=0.28)
    drawn = base.transform_filter(here).mark_line(interpolate="step-after", strokeWidth=2)
    colour = alt.Color("channel:N", scale=alt.Scale(domain=list(names), range=list(CHANNELS.values())), legend=None)
    layered = filled.encode(color=colour, tooltip=tooltip) + drawn.encode(color=colour, tooltip=tooltip)
    return [
        _dressed(layered.transform_filter(alt.datum.channel == name).properties(title=name), CHANNEL_PX)
        for name in names
    ]


def _channel_frame(spreads: dict[str, Colours], names: Sequence[str]) -> pd.DataFrame:
    rows = [
        {"of": of, "channel": name, "level": STEP * step, "share": share}
        for of, spread in spreads.items()
        for name, shares in zip(names, (spread.red, spread.green, spread.blue), strict=True)
        # The last step is said twice, so that it is drawn to its end.
        for step, share in enumerate([*shares, *shares[-1:]])
    ]
    return pd.DataFrame(rows, columns=["of", "channel", "level", "share"])


def _channel_axes(names: Sequence[str], x: str, y: str) -> dict[str, Any]:
    axis = alt.Axis(grid=False, values=[0, 64, 128, 192, 255])
    return {
        "x": alt.X("level:Q", title=x, scale=alt.Scale(domain=[0, 256]), axis=axis),
        "y": alt.Y("share:Q", title=y, axis=alt.Axis(format="%", tickCount=4)),
        "tooltip": [alt.Tooltip("channel:N", title=" "), alt.Tooltip("share:Q", format=".1%", title=y)],
    }


def _channel_colours(names: Sequence[str]) -> Any:
    scale = alt.Scale(domain=list(names), range=list(CHANNELS.values()))
    return alt.Color("channel:N", scale=scale, legend=alt.Legend(title=None, orient="top"))


def _dressed(chart: Plot, height: int | alt.Step) -> Any:
    """Return a plot as wide as its place, in the page's type and colours."""
    return (
        chart.properties(height=height, width="container", background="transparent")
        .configure(font=FONT, padding={"left": 0, "right": 4, "top": 4, "bottom": 4})
        .configure_view(stroke=None)
        .configure_axis(
            labelColor=INK,
            titleColor=SOFT,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=LINE,
            domainColor=LINE,
            tickColor=LINE,
        )
        .configure_title(anchor="start", color=INK, fontSize=12, fontWeight="normal")
        .configure_legend(labelColor=INK, labelFontSize=12)
    )
