"""The JSON as Grafana's own types have it: ``npm install @grafana/schema@11.6 typescript@5.5`` in a folder of its own.

Opt-in: CAMWARDEN_GRAFANA_SCHEMA names that folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from tests.dashboards import reading

MODULES = Path(os.environ.get("CAMWARDEN_GRAFANA_SCHEMA", "/nonexistent")) / "node_modules"
RAW: Final = "@grafana/schema/dist/esm/raw"
HEAD: Final = f"""import type {{ Dashboard, Panel, RowPanel }} from "{RAW}/dashboard/x/dashboard_types.gen";
type Json<T> = T extends string ? `${{T}}`
  : T extends (infer U)[] ? Json<U>[] : T extends object ? {{ [K in keyof T]: Json<T[K]> }} : T;
type Deep<T> = T extends (infer U)[] ? Deep<U>[] : T extends object ? {{ [K in keyof T]?: Deep<T[K]> }} : T;
"""
CUSTOM: Final = {"timeseries": "FieldConfig", "statetimeline": "FieldConfig"}
FILES: Final = {
    "stat": "StatPanelCfg",
    "table": "TablePanelCfg",
    "timeseries": "TimeSeriesPanelCfg",
    "bargauge": "BarGaugePanelCfg",
    "geomap": "GeomapPanelCfg",
    "statetimeline": "StateTimelinePanelCfg",
    "text": "TextPanelCfg",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    if not (MODULES / "@grafana/schema").is_dir() or shutil.which("node") is None:
        pytest.skip("needs CAMWARDEN_GRAFANA_SCHEMA, a folder with @grafana/schema and typescript from npm")
    (tmp_path / "node_modules").symlink_to(MODULES)
    return tmp_path


def complaints(folder: Path, board: dict[str, Any]) -> str:
    """What tsc says of a dashboard and of each panel's own options."""
    kinds = sorted({panel["type"].replace("-", "") for panel in reading.panels(board)})
    text = HEAD
    for kind in kinds:
        text += f'import type * as {kind} from "{RAW}/composable/{kind}/panelcfg/x/{FILES[kind]}_types.gen";\n'
    rest = {key: value for key, value in board.items() if key != "panels"}
    # Words of annotations that Prometheus' source takes are beyond the schema.
    beyond = {"titleFormat", "textFormat", "tagKeys", "step", "expr"}
    for each in rest["annotations"]["list"]:
        for word in beyond & each.keys():
            del each[word]
    text += f"export const board: Json<Dashboard> = {json.dumps(rest)};\n"
    for panel in board["panels"]:
        number, kind = panel["id"], panel["type"].replace("-", "")
        if kind == "row":
            text += f"export const row{number}: Json<RowPanel> = {json.dumps(panel)};\n"
            continue
        text += f"export const panel{number}: Json<Panel> = {json.dumps(panel)};\n"
        options = json.dumps(panel.get("options", {}))
        text += f"export const options{number}: Deep<Json<{kind}.Options>> = {options};\n"
        if kind in CUSTOM:
            custom = json.dumps(panel["fieldConfig"]["defaults"].get("custom", {}))
            text += f"export const custom{number}: Deep<Json<{kind}.{CUSTOM[kind]}>> = {custom};\n"
    (folder / "board.ts").write_text(text, "utf-8")
    done = subprocess.run(
        ["node", str(MODULES / "typescript/bin/tsc"), "--noEmit", "--strict", "--skipLibCheck", "--module", "esnext",
         "--moduleResolution", "node", "--target", "es2022", "board.ts"],
        cwd=folder, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", reading.boards())
def test_a_dashboard_has_grafanas_types(folder: Path, name: str) -> None:
    """No field that Grafana does not know, none of another type."""
    assert complaints(folder, reading.boards()[name]) == ""


def test_what_is_wrong_is_told(folder: Path) -> None:
    """A field of nobody, and an option of another panel."""
    board = reading.boards()["device"]
    board["refreshh"] = "1m"
    stat = next(panel for panel in board["panels"] if panel["type"] == "stat")
    stat["options"]["pieType"] = "donut"
    said = complaints(folder, board)
    assert "refreshh" in said
    assert "pieType" in said
