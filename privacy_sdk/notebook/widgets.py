"""The panel's widgets: made with one style, and closed together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import traitlets
from ipywidgets.widgets.widget_description import DescriptionStyle
from ipywidgets.widgets.widget_string import HTMLStyle

from privacy_sdk.errors import InvalidInputError, short_repr


def set_children(box: Any, *children: Any) -> None:
    """Put widgets into a box; the front end hears of it only if they are others than before."""
    if children != box.children:
        box.children = children


class _Offered(traitlets.Any):
    """The value of a dropdown: one of its options, which may be set by its words as well."""

    def set(self, obj: Any, value: Any) -> None:
        for place in (1, 0):
            for option in obj._options_full:
                if option[place] == value:
                    return super().set(obj, option[1])
        offered = ", ".join(f"{words} ({value!r})" for words, value in obj._options_full)
        raise InvalidInputError(
            f"{obj.description} cannot be set to {short_repr(value)}.",
            hint=f"It can be: {offered}.",
        )


class Choice(ipywidgets.Dropdown):  # type: ignore[misc]  # ipywidgets comes without types
    """A dropdown that says what it offers when its value is set to something else."""

    value = _Offered(None, allow_none=True)


class WidgetFactory:
    """Makes the widgets of one panel, and closes them all.

    They share layout and style, which are widgets too and would be most of them.
    """

    def __init__(self) -> None:
        self._made: list[Any] = []
        self.layout = self._keep(ipywidgets.Layout())
        self._html_style = self._keep(HTMLStyle())
        self._button_style = self._keep(ipywidgets.ButtonStyle())
        self._label_style = self._keep(DescriptionStyle(description_width="10rem"))

    def _keep(self, widget: Any) -> Any:
        self._made.append(widget)
        return widget

    def close(self) -> None:
        """Close all widgets that were made, with the styles that they made for themselves."""
        for widget in self._made:
            for style in (getattr(widget, "style", None), widget):
                if isinstance(style, ipywidgets.Widget):
                    style.close()
        self._made.clear()

    def html(self, value: str = "", css_class: str = "psdk-text") -> Any:
        """HTML that was escaped where it must be."""
        return self._keep(
            ipywidgets.HTML(
                value, layout=self.layout, style=self._html_style, _dom_classes=(css_class,)
            )
        )

    def box(self, children: Sequence[Any], css_class: str, *, row: bool = False) -> Any:
        """Widgets in a column, or in a row."""
        box = ipywidgets.HBox if row else ipywidgets.VBox
        return self._keep(box(children, layout=self.layout, _dom_classes=(css_class,)))

    def choice(self, label: str, options: Sequence[tuple[str, Any]], value: Any) -> Any:
        """A labelled choice of one option."""
        return self._keep(
            Choice(
                description=label,
                options=options,
                value=value,
                layout=self.layout,
                style=self._label_style,
            )
        )

    def multiple_choice(self, label: str) -> Any:
        """A labelled choice of any number of options."""
        return self._stacked(ipywidgets.SelectMultiple, label)

    def text(self, label: str) -> Any:
        """A labelled line of text; it counts when Enter is pressed or the field is left."""
        return self._stacked(ipywidgets.Text, label, continuous_update=False)

    def lines(self, label: str, placeholder: str) -> Any:
        """A labelled text of several lines; it counts when the field is left."""
        return self._stacked(
            ipywidgets.Textarea, label, placeholder=placeholder, rows=2, continuous_update=False
        )

    def _stacked(self, widget: Any, label: str, **options: Any) -> Any:
        classes = ("psdk-stacked",)
        return self._keep(
            widget(description=label, layout=self.layout, _dom_classes=classes, **options)
        )

    def checkbox(self, label: str) -> Any:
        """A labelled checkbox."""
        return self._keep(ipywidgets.Checkbox(description=label, indent=False, layout=self.layout))

    def button(
        self, text: str, on_click: Callable[[], object], css_class: str = "", tooltip: str = ""
    ) -> Any:
        """A button, and what it does."""
        button = ipywidgets.Button(
            description=text,
            tooltip=tooltip or None,
            layout=self.layout,
            style=self._button_style,
            _dom_classes=(css_class,) if css_class else (),
        )
        button.on_click(lambda _: on_click())
        return self._keep(button)
