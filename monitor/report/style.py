"""Style: one style sheet for the screen, the phone and paper."""

from __future__ import annotations

from typing import Final

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""Content security policy of the file: nothing is loaded, and nothing runs."""

SHEET: Final = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto; padding: 1rem;
  max-width: 64rem; overflow-wrap: break-word; }
bdi { overflow-wrap: anywhere; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .5rem; }
h2 { font-size: 1.35rem; margin: 2.5rem 0 .5rem; border-bottom: 2px solid #1a1a1a; }
h3 { font-size: 1.15rem; margin: 2rem 0 .25rem; }
h4 { font-size: 1rem; margin: 1.25rem 0 .25rem; }
p, ul { margin: .4rem 0; }
a { color: #00527f; }
.small, .local, caption, figcaption { color: #555; font-size: .85rem; }
.verdict { border-left: .4rem solid #767676; background: #f4f4f4; padding: .5rem .75rem; margin: .5rem 0; }
.verdict.yes { border-color: #d55e00; }
.verdict.no { border-color: #009e73; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1rem; font-size: .9rem; }
caption { text-align: left; padding: .2rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem .3rem 0; border-bottom: 1px solid #ddd; }
thead th { border-bottom: 1px solid #1a1a1a; }
tbody th { font-weight: 600; min-width: 7rem; }
tbody th .small { font-weight: 400; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }
.facts dt { color: #555; }
.facts dd { margin: 0; }
figure { margin: 1rem 0; }
.wide { overflow-x: auto; }
svg.plot { width: 100%; min-width: 30rem; height: auto; display: block; }
svg.plot text { font: 11px system-ui, sans-serif; fill: #333; }
svg.bar { width: 8rem; max-width: 100%; height: .7rem; vertical-align: middle; margin-right: .4rem; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: .85rem; }
.legend svg { width: .8rem; height: .8rem; margin-right: .35rem; vertical-align: -.05rem; }
footer { margin-top: 3rem; border-top: 1px solid #ddd; }
@media screen and (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { display: block; border-bottom: 2px solid #bbb; padding: .4rem 0; }
  tbody th, td { display: block; border: 0; padding: .1rem 0; }
  td[data-label]::before { content: attr(data-label) ": "; color: #555; }
  .facts { grid-template-columns: 1fr; }
  .facts dd { margin-bottom: .3rem; }
}
@media print {
  @page { margin: 15mm; }
  :root { font-size: 9.5pt; }
  body { font-size: 1rem; max-width: none; padding: 0; }
  a { color: inherit; text-decoration: none; }
  .wide { overflow: visible; }
  svg.plot { min-width: 0; }
  h2, h3, h4, caption, .verdict { break-after: avoid; }
  tr, figure, .verdict, .facts { break-inside: avoid; }
  thead { display: table-header-group; }
  thead, thead tr, tbody tr:first-child { break-after: avoid; }
  tbody tr:last-child { break-before: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
