"""Write a run as pages: OUT/index.html, and OUT/html/<notebook>.html for each notebook.

A page of the glossary lies beside them. Links are relative, so the folder can be moved, zipped or
served. The index is written again after each notebook.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferkit.core import files
from ferkit.core.files import write_text
from ferkit.papers import PAPERS
from ferkit.papers.reported import paper
from ferkit.papers.tables import paper_table
from ferkit.papers.verdicts import claim_table
from ferkit.workbook import pages, records
from ferkit.workbook.reading_order import sort_for_reading

_DOCUMENTS = ("glossary",)  # pages of docs/ that lie beside those of the notebooks
_HEADLINE_METRICS = 3
_HEAD_CHARACTERS = 500  # of a page, where its key stands
_PAPER_COLUMNS = ("what", "where in the paper", "paper", "ours", "our data", "difference", "note")
_CLAIM_COLUMNS = ("claim", "where", "verdict", "difference", "why")


@dataclass(frozen=True)
class PaperTable:
    """A paper's numbers beside ours."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    missing: int  # results of the paper that this run does not have
    claims: Sequence[Sequence[str]]  # rows of _CLAIM_COLUMNS


def write_report(out: Path, *, growing: bool = False) -> Path:
    """Write the index and the pages of what lies in OUT; return the index.

    While it is `growing`, the index loads itself anew.
    """
    run = records.load_run(out)
    entries = run["notebooks"]
    readable = [name for name in entries if _is_intact(out, name, entries[name])]
    readable = sort_for_reading(readable)
    documents = _write_documents(out / "html", readable)
    cards = []
    for name in sort_for_reading({*entries, *run.get("chosen", ())}):
        try:
            card = _write_page(out, name, run, readable, documents) if name in readable else None
        except FileNotFoundError:  # it has just begun to run again
            card = None
        if card is None:
            (out / "html" / f"{name}.html").unlink(missing_ok=True)
        cards.append(card or _card(name, run))
    index = pages.TEMPLATES.get_template("index.html")
    metrics = {key: value for entry in entries.values() for key, value in entry["metrics"].items()}
    text = index.render(run=run, cards=cards, papers=compare_with_papers(metrics), growing=growing)
    write_text(out / "index.html", text)
    return out / "index.html"


def compare_with_papers(metrics: Mapping[str, Any]) -> list[PaperTable]:
    """Put the numbers of all papers beside those of `metrics`, where there are any."""
    tables = []
    for short_name in PAPERS:
        about = paper(short_name)
        table = paper_table(short_name, metrics)
        ours = table[~table["ours"].isin(("", "not in this run"))]
        ours = ours[[name for name in _PAPER_COLUMNS if (ours.get(name, "") != "").any()]]
        if len(ours):
            title = f"{about.number}. {about.authors[0]} and others {about.year}: {about.title}"
            rows = ours.to_numpy().tolist()
            missing = len(table) - len(ours)
            claims = claim_table(short_name)[list(_CLAIM_COLUMNS)].to_numpy().tolist()
            tables.append(PaperTable(title, list(ours), rows, missing, claims))
    return tables


def status_text(run: Mapping[str, Any], name: str) -> str:
    """The status in words, marked where it is from an earlier run."""
    status = run["notebooks"][name]["status"] if name in run["notebooks"] else "waiting"
    return status if name in run["chosen"] else f"{status} (earlier run)"


def headline(metrics: Mapping[str, Mapping[str, Any]], count: int = _HEADLINE_METRICS) -> list[str]:
    """The first metrics as text, with their intervals."""
    return [f"{name} {_metric_text(metric)}" for name, metric in list(metrics.items())[:count]]


def summarise_run(record: Mapping[str, Any], names: Sequence[str]) -> str:
    """A table of the notebooks of a run as text: status, duration and first results."""
    width = max(len(name) for name in names)
    lines = [f"{'notebook':<{width}}  {'status':<18}  seconds  first results"]
    for name in names:
        entry = record["notebooks"][name]
        results = "; ".join(headline(entry["metrics"]))
        line = f"{name:<{width}}  {entry['status']:<18}  {entry['duration']:7.1f}  {results}"
        lines.append(line.rstrip())
    return "\n".join(lines)


def _is_intact(out: Path, name: str, entry: Mapping[str, Any]) -> bool:
    """Whether the executed notebook lies there as recorded."""
    written = records.executed_hash(out, name)
    return written is not None and written == entry.get("executed_hash")


def _write_page(
    out: Path, name: str, run: Mapping[str, Any], readable: Sequence[str], documents: Sequence[str]
) -> dict[str, Any]:
    """Write an executed notebook's page and picture unless they are up to date."""
    entry = run["notebooks"][name]
    executed = out / entry["executed"]
    place = readable.index(name)
    before = readable[place - 1] if place else None
    after = readable[place + 1] if place + 1 < len(readable) else None
    beside = [*readable, *documents]
    key = files.digest(entry["executed_hash"], entry["fingerprint"], beside)
    page = out / "html" / f"{name}.html"
    if not _is_current(page, key):
        text = pages.render_page(
            executed,
            entry["executed_hash"],
            Path(entry["folder"]),
            error=entry["error"],
            before=before,
            after=after,
            beside=beside,
            key=key,
        )
        write_text(page, text)
    summary = pages.summarise_notebook(executed, entry["executed_hash"])
    card = _card(name, run)
    card |= {"title": summary.title, "page": f"html/{page.name}"}
    if summary.picture:
        picture = page.with_suffix(summary.picture.suffix)
        content = summary.picture.content
        files.write_whole(picture, lambda part: part.write_bytes(content))
        card |= {"picture": f"html/{picture.name}", "alt": summary.picture.alt}
    return card


def _write_documents(folder: Path, readable: Sequence[str]) -> list[str]:
    """Write the pages of docs/ that notebooks link to; return their names.

    An installed package comes without them.
    """
    written = []
    for name in _DOCUMENTS:
        source = files.PROJECT / "docs" / f"{name}.md"
        if not source.is_file():
            continue
        text = source.read_text(encoding="utf-8")
        beside = [*readable, *_DOCUMENTS]
        key = files.digest(text, beside)
        if not _is_current(folder / f"{name}.html", key):
            page = pages.render_document(text, source.parent, beside=beside, key=key)
            write_text(folder / f"{name}.html", page)
        written.append(name)
    return written


def _is_current(page: Path, key: str) -> bool:
    """Whether the page was made with this key, which stands near its beginning."""
    try:
        with open(page, encoding="utf-8") as file:
            return key in file.read(_HEAD_CHARACTERS)
    except (OSError, UnicodeDecodeError):
        return False


def _card(name: str, run: Mapping[str, Any]) -> dict[str, Any]:
    """What the index shows of a notebook that may not have run yet."""
    entry = run["notebooks"].get(name)
    status = status_text(run, name)
    return {
        "name": name,
        "title": name.replace("_", " "),
        "status": status,
        "state": status.split(":")[0].split()[0],
        "entry": entry,
        "headline": headline(entry["metrics"]) if entry else [],
        "page": None,
        "picture": None,
        "alt": "",
    }


def _metric_text(metric: Mapping[str, Any]) -> str:
    value = _number_text(metric["value"])
    if "low" not in metric or "high" not in metric:
        return value
    return f"{value} [{_number_text(metric['low'])}, {_number_text(metric['high'])}]"


def _number_text(number: float | None) -> str:
    return "undefined" if number is None else f"{number:.4g}"
