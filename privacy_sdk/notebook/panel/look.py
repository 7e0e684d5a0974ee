"""How the panel looks: its widgets, its style, and its remarks in HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
from ipywidgets.widgets.widget_description import DescriptionStyle
from ipywidgets.widgets.widget_string import HTMLStyle

from privacy_sdk.views.display import text_html
from privacy_sdk.views.tables import Tone

STYLE = """<style>
.privacy-sdk { max-width: 62rem; color: var(--jp-ui-font-color1); }
.privacy-sdk .jupyter-widgets { max-width: 100%; margin-left: 0; margin-right: 0; }
.privacy-sdk .psdk-line { display: grid; align-items: start; gap: 0 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.privacy-sdk .psdk-line > * { min-width: 0; }
.privacy-sdk .widget-dropdown, .privacy-sdk .widget-text { width: 100%; }
.privacy-sdk .widget-label { text-align: left; }
.privacy-sdk .widget-dropdown select { appearance: auto; padding: 0 0 0 4px;
  background-image: none !important; }
.privacy-sdk .widget-html-content, .privacy-sdk .widget-html-content p { line-height: 1.4;
  margin: 0; overflow-wrap: anywhere; white-space: normal; }
.privacy-sdk .psdk-line .widget-html-content { padding: 5px 0; }
.privacy-sdk .psdk-mark, .privacy-sdk .psdk-message { display: block; margin-top: 3px;
  padding: 1px 8px; border-left: 4px solid var(--jp-brand-color1); white-space: pre-line;
  background: var(--jp-layout-color2); }
.privacy-sdk .psdk-message { padding: 6px 10px; }
.privacy-sdk .psdk-good { border-color: var(--jp-success-color1); }
.privacy-sdk .psdk-careful { border-color: var(--jp-warn-color1); }
.privacy-sdk .psdk-bad { border-color: var(--jp-error-color1); }
.privacy-sdk .psdk-badge { display: inline-block; margin-right: 8px; padding: 0 9px;
  border: 1px solid currentColor; border-radius: 9px; }
.privacy-sdk progress { width: 6rem; margin-right: 8px; vertical-align: middle; }
.privacy-sdk table { margin: 2px 0 6px; border-collapse: collapse; }
.privacy-sdk th, .privacy-sdk td { padding: 1px 14px 1px 0; text-align: left; }
.privacy-sdk .psdk-plan table { overflow-wrap: normal; }
.privacy-sdk .psdk-buttons { flex-wrap: wrap; align-items: center; gap: 4px 8px; }
.privacy-sdk .psdk-buttons > * { width: auto; margin: 2px 0; }
.privacy-sdk .widget-checkbox label { display: flex; align-items: center; }
.privacy-sdk .jupyter-button { width: auto; padding: 0 14px; align-self: start;
  color: var(--jp-ui-font-color1); background: var(--jp-layout-color2);
  border: 1px solid var(--jp-ui-font-color2); }
.privacy-sdk .psdk-apply:enabled { color: var(--jp-layout-color1);
  background: var(--jp-ui-font-color1); }
.privacy-sdk :focus-visible { outline: 2px solid var(--jp-brand-color1); outline-offset: 1px; }
.privacy-sdk .psdk-more { margin-bottom: 8px; padding-left: 12px; max-width: 28rem;
  border-left: 4px solid var(--jp-layout-color3); }
.privacy-sdk .psdk-stacked { flex-direction: column; align-items: stretch; width: 100%;
  height: auto; }
.privacy-sdk .psdk-stacked > label { width: 100%; }
.privacy-sdk .psdk-stacked > select { flex: none; height: 6.5em; }
</style>"""
"""Colours are the theme's own, and none of them is needed to understand the panel."""


def mark(text: str, tone: Tone = Tone.PLAIN) -> str:
    """A remark that stands out, as HTML."""
    return f'<span class="psdk-mark psdk-{tone}">{text_html(text, 1_000)}</span>'


def message(text: str, tone: Tone = Tone.PLAIN, *, busy: bool = False) -> str:
    """What the panel has to say, as HTML that a screen reader announces; empty for nothing."""
    if not text:
        return ""
    role = "alert" if tone is Tone.BAD else "status"
    progress = '<progress aria-label="working"></progress>' if busy else ""
    said = text_html(text, 4_000)
    return f'<div class="psdk-message psdk-{tone}" role="{role}">{progress}{said}</div>'


def badge(text: str) -> str:
    """A word or two in a frame, as HTML."""
    return f'<span class="psdk-badge">{text_html(text)}</span>'


class Look:
    """Makes the widgets of one panel, and closes them all.

    They share layout and style, which are widgets too and would be most of them.
    """

    def __init__(self) -> None:
        self._made: list[Any] = []
        self._layout = self._keep(widgets.Layout())
        self._html_style = self._keep(HTMLStyle())
        self._button_style = self._keep(widgets.ButtonStyle())
        self._label_style = self._keep(DescriptionStyle(description_width="10rem"))

    def _keep(self, widget: Any) -> Any:
        self._made.append(widget)
        return widget

    def close(self) -> None:
        """Close all widgets that were made, with the styles that they made for themselves."""
        for widget in self._made:
            for style in (getattr(widget, "style", None), widget):
                if isinstance(style, widgets.Widget):
                    style.close()
        self._made.clear()

    def html(self, value: str = "", kind: str = "psdk-text") -> Any:
        """HTML that was escaped where it must be."""
        return self._keep(
            widgets.HTML(value, layout=self._layout, style=self._html_style, _dom_classes=(kind,))
        )

    def box(self, children: Sequence[Any], kind: str, *, row: bool = False) -> Any:
        """Widgets in a column, or in a row."""
        make = widgets.HBox if row else widgets.VBox
        return self._keep(make(children, layout=self._layout, _dom_classes=(kind,)))

    def choice(self, label: str, options: Sequence[tuple[str, Any]], value: Any) -> Any:
        """One of several, labelled."""
        return self._keep(
            widgets.Dropdown(
                description=label,
                options=options,
                value=value,
                layout=self._layout,
                style=self._label_style,
            )
        )

    def people(self, label: str) -> Any:
        """Any number of several, labelled."""
        return self._stacked(widgets.SelectMultiple, label)

    def text(self, label: str) -> Any:
        """A line of text, labelled; it counts when Enter is pressed or the field is left."""
        return self._stacked(widgets.Text, label, continuous_update=False)

    def _stacked(self, make: Any, label: str, **more: Any) -> Any:
        classes = ("psdk-stacked",)
        return self._keep(
            make(description=label, layout=self._layout, _dom_classes=classes, **more)
        )

    def switch(self, label: str) -> Any:
        """Something that is on or off, labelled."""
        return self._keep(widgets.Checkbox(description=label, indent=False, layout=self._layout))

    def button(
        self, text: str, pressed: Callable[[], object], kind: str = "", hint: str = ""
    ) -> Any:
        """A button, and what it does."""
        button = widgets.Button(
            description=text,
            tooltip=hint or None,
            layout=self._layout,
            style=self._button_style,
            _dom_classes=(kind,) if kind else (),
        )
        button.on_click(lambda _: pressed())
        return self._keep(button)
