"""Colours of the form and of its plots, light and dark.

Verdicts take the colours of Okabe and Ito (2008), which people with any kind of colour blindness can tell apart; each goes
with a sign and a word all the same. Text has a contrast of at least 4.5 to 1 with what is behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "primaryColor": "#0b6e75",
        "backgroundColor": "#ffffff",
        "secondaryBackgroundColor": "#f1f5f6",
        "textColor": "#17242a",
        "linkColor": "#0b5f8a",
        "borderColor": "#cfd9dd",
        "greenColor": "#009e73",
        "greenTextColor": "#00593f",
        "greenBackgroundColor": "#dff3ec",
        "blueColor": "#0072b2",
        "blueTextColor": "#00507d",
        "blueBackgroundColor": "#deeef8",
        "violetColor": "#cc79a7",
        "violetTextColor": "#7d2f5b",
        "violetBackgroundColor": "#f8e8f1",
        "orangeColor": "#e69f00",
        "orangeTextColor": "#744d00",
        "orangeBackgroundColor": "#fdf0d2",
        "redColor": "#d55e00",
        "redTextColor": "#933300",
        "redBackgroundColor": "#fce7da",
        "yellowColor": "#f0e442",
        "yellowTextColor": "#5c5600",
        "yellowBackgroundColor": "#fbf8d4",
        "grayColor": "#7a878d",
        "grayTextColor": "#48565c",
        "grayBackgroundColor": "#eceff1",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "primaryColor": "#4fb3ba",
        "backgroundColor": "#10181c",
        "secondaryBackgroundColor": "#1b262b",
        "textColor": "#eef3f5",
        "linkColor": "#7cc4ee",
        "borderColor": "#3a484f",
        "greenColor": "#2fc79a",
        "greenTextColor": "#7fe3c4",
        "greenBackgroundColor": "#0e3a2d",
        "blueColor": "#56b4e9",
        "blueTextColor": "#a4d8f7",
        "blueBackgroundColor": "#11334a",
        "violetColor": "#dd9cc2",
        "violetTextColor": "#f0c3dc",
        "violetBackgroundColor": "#43243a",
        "orangeColor": "#f0b53c",
        "orangeTextColor": "#f7d38a",
        "orangeBackgroundColor": "#43320c",
        "redColor": "#f08a4b",
        "redTextColor": "#f9bb95",
        "redBackgroundColor": "#4a240d",
        "yellowColor": "#f0e442",
        "yellowTextColor": "#f5ee94",
        "yellowBackgroundColor": "#3d3a0c",
        "grayColor": "#95a3aa",
        "grayTextColor": "#c3ced3",
        "grayBackgroundColor": "#29353b",
    }
)
PLOT_COLOURS: tuple[str, ...] = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a878d")
"""For series in plots; each also has a shape of its own. All show on white and on the dark background."""


def settings() -> dict[str, str]:
    """Return the theme as settings of Streamlit; the browser's preference picks light or dark."""
    found = {
        "theme.showWidgetBorder": "true",
        "theme.baseRadius": "small",
        "theme.headingFontSizes": '["1.8rem", "1.4rem", "1.2rem", "1.1rem", "1rem", "1rem"]',
        "theme.chartCategoricalColors": "[" + ", ".join(f'"{colour}"' for colour in PLOT_COLOURS) + "]",
    }
    for name, colours in (("light", LIGHT), ("dark", DARK)):
        found |= {f"theme.{name}.{key}": colour for key, colour in colours.items()}
    return found
