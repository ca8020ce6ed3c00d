"""Writes the table of ``docs/presets.md`` from the data: ``python tests/preset_table.py``."""

from __future__ import annotations

from pathlib import Path

from clientcert import PRESETS

PAGE = Path(__file__).parent.parent / "docs" / "presets.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"
COLUMNS = (
    "Preset",
    "Header",
    "Encoding",
    "Chain",
    "Verdicts",
    "Cross-checks",
    "Grade",
    "No certificate",
    "Not checked",
)


def code(text):
    return f"`{text}`"


def encoding(preset):
    quotes = ", with or without double quotes" if preset.quoted else ""
    names = ", with or without the certificate" if preset.forwards_names else ""
    return f"{code(preset.encoding)}{quotes}{names}"


def row(preset):
    chain = "-"
    if preset.chain_in_header:
        chain = "in the header"
    elif preset.chain_header is not None:
        chain = f"{code(preset.chain_header)}, {code(preset.chain_encoding or preset.encoding)}"
    verdicts = (f"{code(header)} is {code(value) if value else 'empty or absent'}" for header, value in preset.verdicts)
    cross_checks = (f"{code(header)}: {code(form)}" for header, form in preset.cross_checks)
    none = {None: "absent", "": "empty"}.get(preset.no_certificate, code(preset.no_certificate))
    if preset.no_certificate is None and "no_certificate" in preset.unknown:
        none = "not known"
    cells = (
        f"[{code(preset.name)}]({preset.docs})",
        code(preset.header),
        encoding(preset),
        chain,
        "; ".join(verdicts) or "-",
        "; ".join(cross_checks) or "-",
        code(preset.verified_by),
        none,
        ", ".join(map(code, preset.unknown)) or "-",
    )
    return f"| {' | '.join(cells)} |\n"


def table():
    head = f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}\n"
    notes = "".join(f"- {code(name)}: {preset.note}\n" for name, preset in PRESETS.items())
    return f"{head}{''.join(map(row, PRESETS.values()))}\n{notes}"


def with_table():
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    return f"{before}{BEGIN}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(with_table(), "utf-8")
