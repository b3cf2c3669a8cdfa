"""The command. Chinese by default, English with --lang en, one JSON object with --json.

Exit status: 0 only if what it says holds; 1 refused, failed or not so; 2 the command line is wrong; 130 interrupted.
The options --home, --config, --lang, --json and --debug may stand anywhere.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, NoReturn

import click
import typer
from rich.console import Console

from federation.commands import (
    accounts,
    adapters,
    catalogue,
    demonstration,
    drills,
    epochs,
    evidence,
    officers,
    predict,
    query,
    record,
    review,
    run,
    running,
    train,
)
from federation.commands.frame import Command, print_json
from federation.errors import HomeError, KeyongError, SettingsError
from federation.runtime.home import Home

INTERRUPTED = 130

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help="Keyong 可用")
for group in (
    running,
    catalogue,
    adapters,
    query,
    train,
    predict,
    run,
    officers,
    review,
    accounts,
    epochs,
    record,
    evidence,
    drills,
    demonstration,
):
    group.register(app)


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[Path, typer.Option(help="联邦目录 · the federation's folder")] = Path(".keyong"),
    config: Annotated[Path | None, typer.Option(help="配置文件 · settings file")] = None,
    lang: Annotated[str, typer.Option(help="zh | en")] = "zh",
    json: Annotated[bool, typer.Option("--json", help="JSON")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="出错时显示调用栈 · show tracebacks")] = False,
) -> None:
    """数据可用不可见：各部门联合计算，原始数据不出域 · departments compute together on data none of them shows."""
    if lang not in ("zh", "en"):
        raise SettingsError("settings.language", language=lang)
    context.obj = Command(
        home=Home(home),
        config=config,
        language=lang,
        json=json,
        debug=debug,
        out=Console(highlight=False, soft_wrap=True),
        err=Console(stderr=True, highlight=False, soft_wrap=True),
    )


# -- the end of every command -----------------------------------------------------------------------------------------


def _gather_global_options(arguments: Sequence[str]) -> list[str]:
    """Move the global options to the front, where they may stand anywhere."""
    front: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*front, *rest, word, *words]
        if word in ("--json", "--debug"):
            front.append(word)
        elif word in ("--home", "--config", "--lang"):
            front += [word, *([value] if (value := next(words, None)) is not None else [])]
        elif word.startswith(("--home=", "--config=", "--lang=")):
            front.append(word)
        else:
            rest.append(word)
    return [*front, *rest]


def main() -> NoReturn:
    """Run the command."""
    arguments = _gather_global_options(sys.argv[1:])
    _speak_utf8()
    language = "en" if ("--lang", "en") in pairwise(arguments) or "--lang=en" in arguments else "zh"
    if sys.version_info < (3, 11) or sys.version_info >= (3, 13):
        _stop(SettingsError("settings.python", found=".".join(map(str, sys.version_info[:2]))), language, arguments)
    try:
        status = app(arguments, standalone_mode=False)  # without standalone mode an Exit comes back as its number
        if status == INTERRUPTED:  # how typer passes a Ctrl-C on
            raise KeyboardInterrupt
    except KeyongError as error:
        if "--debug" in arguments:
            raise
        _stop(error, language, arguments)
    except click.ClickException as error:
        _stop(SettingsError("settings.usage", reason=error.format_message()), language, arguments, status=2)
    except (KeyboardInterrupt, click.Abort):
        _stop(SettingsError("settings.interrupted"), language, arguments, status=INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except Exception as error:
        if "--debug" in arguments:
            raise
        _stop(HomeError("home.internal", kind=type(error).__name__), language, arguments)
    raise SystemExit(status if isinstance(status, int) else 0)


def _speak_utf8() -> None:
    """Chinese must come out whole under LANG=C too."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")


def _stop(error: KeyongError, language: str, arguments: Sequence[str], status: int = 1) -> NoReturn:
    if "--json" in arguments:
        print_json({"code": error.code, "message": error.message(language), "next": error.next_step(language)})
    else:
        mark = "错误" if language == "zh" else "error"
        tip = "下一步" if language == "zh" else "next"
        sys.stderr.write(f"{mark} [{error.code}] {error.message(language)}\n{tip}: {error.next_step(language)}\n")
    raise SystemExit(status)
