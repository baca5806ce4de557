"""The imitation as a process: commands in, what they made out, and a ledger that is there when the client hears."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from telegram import Bot

from tests.telegram_api import read_ledger
from tests.telegram_api.clients import run

ROOT = Path(__file__).parent.parent.parent


def test_it_serves_takes_commands_and_ends_with_its_input(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    command = [sys.executable, "-m", "tests.telegram_api", "--port", "0", "--ledger", str(ledger), "--chat", "-5"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        port = int(process.stdout.readline())

        def do(**command: Any) -> Any:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(command) + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        async def story(bot: Bot) -> None:
            assert do(do="say", user=7, chat=7, text="/start") == {"chat": 7, "message_id": 1}
            (update,) = await bot.get_updates()
            assert update.message
            await update.message.reply_text("Hello")
            assert do(do="transcript", chat=7) == "User 7: /start\nWatcher: Hello"
            assert [call.text for call in read_ledger(ledger)] == ["Hello"]
            assert do(do="fail", fault="flood 30", chat=-5) is None
            assert do(do="press", user=7, message=[7, 2], data="x") == "700000001"
            assert "unknown command" in do(do="exec")["error"]

        run(f"http://127.0.0.1:{port}/bot", story)
        process.stdin.close()
        assert process.wait() == 0
    with ledger.open("a") as file:
        file.write('{"number": 2, "half')
    assert len(read_ledger(ledger)) == 1
