"""Faults: where a defect of ours lies, for a line that is no traceback."""

from __future__ import annotations


def place_of(defect: BaseException) -> str:
    """File and line that raised it; "?" if it was never raised."""
    trace = defect.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else "?"
