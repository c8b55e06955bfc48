"""Runs a program and counts the bytecodes that each of its functions executes: OUT MODULE [ARGUMENT …]."""

from __future__ import annotations

import json
import runpy
import sys
import threading
from pathlib import Path
from types import CodeType, FrameType
from typing import Any


class Function:
    """What one function has done so far; traces its frames."""

    def __init__(self, code: CodeType, module: str) -> None:
        self.code = code
        self.module = module
        self.calls = 0
        """Resumed coroutines and generators among them."""
        self.bytecodes = 0

    def trace(self, _frame: FrameType, event: str, _: object) -> Any:  # Any: a trace function returns itself
        if event == "opcode":
            self.bytecodes += 1
        return self.trace

    def fields(self) -> dict[str, object]:
        name = self.code.co_qualname
        return {"module": self.module, "function": name, "bytecodes": self.bytecodes, "calls": self.calls}


class Tracer:
    """A trace function for all threads; to be looked at when the program is over."""

    def __init__(self) -> None:
        self._by_id: dict[int, Function] = {}  # code objects are compared, and hashed, by all that they hold

    def __call__(self, frame: FrameType, _event: str, _: object) -> Any:  # Any: as above
        code = frame.f_code
        function = self._by_id.get(id(code))
        if function is None:
            function = self._by_id[id(code)] = Function(code, str(frame.f_globals.get("__name__")))
        function.calls += 1
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return function.trace

    def functions(self) -> list[Function]:
        return list(self._by_id.values())


if __name__ == "__main__":
    _, out, module, *arguments = sys.argv
    sys.argv = [module, *arguments]
    tracer = Tracer()
    threading.settrace(tracer)
    sys.settrace(tracer)
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        sys.settrace(None)
        threading.settrace(None)
    Path(out).write_text(json.dumps([function.fields() for function in tracer.functions()]), encoding="utf-8")
