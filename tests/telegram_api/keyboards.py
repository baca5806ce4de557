"""Keyboards below messages, checked as Telegram checks them."""

from __future__ import annotations

from typing import Any

from tests.telegram_api.faults import Refusal, bad

KINDS = ("inline_keyboard", "keyboard", "remove_keyboard", "force_reply")
ACTIONS = {"callback_data", "url", "copy_text", "web_app", "switch_inline_query", "switch_inline_query_current_chat"}
LONGEST_DATA = 64
MOST_BUTTONS = 100


def read_markup(markup: Any, *, inline: bool) -> dict[str, Any] | None:
    """The keyboard as it is kept; none if it has no buttons. `inline` asks for that kind. Raises Refusal."""
    if markup is None:
        return None
    kinds = [kind for kind in KINDS if kind in markup] if isinstance(markup, dict) else []
    if len(kinds) != 1 or (inline and kinds != ["inline_keyboard"]):
        raise Refusal(bad("object expected as reply markup"))
    if kinds == ["inline_keyboard"]:
        buttons = [button for row in markup["inline_keyboard"] for button in row]
        if len(buttons) > MOST_BUTTONS:
            raise Refusal(bad("reply markup is too long"))
        for button in buttons:
            _check(button)
        if not buttons:
            return None
    kept: dict[str, Any] = markup
    return kept


def _check(button: dict[str, Any]) -> None:
    actions = ACTIONS & button.keys()
    if not str(button.get("text", "")).strip() or len(actions) != 1:
        raise Refusal(bad("inline keyboard button must have a text and exactly one action"))
    if actions == {"callback_data"} and not 1 <= len(button["callback_data"].encode()) <= LONGEST_DATA:
        raise Refusal(bad("BUTTON_DATA_INVALID"))
    if actions == {"url"} and not button["url"].startswith(("https://", "http://", "tg://")):
        raise Refusal(bad("BUTTON_URL_INVALID"))
