"""Secrets: config.toml only names where each lives, by `*_env` or `*_file`; a missing one is said at the start.

What was found in such a key is never shown: it may be the secret itself, pasted into the wrong place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from watcher.config.problems import shown, spot
from watcher.config.values import Secret

LONGEST = 1 << 16
"""Characters of a secret's file that are read."""
NOTHING = Secret(str)
"""Stands in for a secret that is missing, so that what is around it can still be checked."""


class Vault(NamedTuple):
    """Where secrets are looked up: the environment, and files relative to `folder`."""

    folder: Path
    env: Mapping[str, str]

    def fill(self, raw: Mapping[str, Any], names: Iterable[str], path: str) -> tuple[dict[str, Any], list[str]]:
        """Give `raw` with `NAME_env` and `NAME_file` replaced by the Secret NAME, for each of `names`; and problems."""
        table = dict(raw)
        problems: list[str] = []
        for name in sorted(names):
            for key, find in ((f"{name}_env", self._in_env), (f"{name}_file", self._in_file)):
                if key not in raw:
                    continue
                if name in table:
                    problems.append(f"{spot(path, key)}: {name} is given twice")
                found = find(table.pop(key))
                table[name] = NOTHING if isinstance(found, str) else found
                problems += [f"{spot(path, key)}: {found}"] if isinstance(found, str) else []
        return table, problems

    def _in_env(self, name: object) -> Secret | str:
        """The secret, or what is wrong."""
        if not isinstance(name, str) or not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,99}", name):
            return 'expected the name of an environment variable, in capitals like "DESK_SLACK_URL"'
        if not self.env.get(name, "").strip():
            return f"missing secret: environment variable {name} is {'empty' if name in self.env else 'not set'}"
        return Secret(lambda: self.env.get(name, "").strip())

    def _in_file(self, name: object) -> Secret | str:
        """The secret, or what is wrong."""
        if not isinstance(name, str) or not name or "\0" in name:
            return 'expected the path of a file, like "/run/secrets/telegram"'
        path = self.folder / name

        def read() -> str:
            with path.open(encoding="utf-8") as file:
                return file.read(LONGEST).strip()

        try:
            return Secret(read) if read() else f"missing secret: file {shown(name)} is empty"
        except UnicodeDecodeError:
            return f"missing secret: file {shown(name)} is not written in UTF-8"
        except OSError as error:
            return f"missing secret: file {shown(name)} cannot be read: {str(error.strerror).lower()}"


def hide(problem: str, options: Mapping[str, Any]) -> str:
    """`problem` without the secrets among `options`, in whatever form it may quote them."""
    for value in options.values():
        text = value.reveal() if isinstance(value, Secret) else ""
        for form in (shown(text), text) if text else ():
            problem = problem.replace(form, "***")
    return problem
