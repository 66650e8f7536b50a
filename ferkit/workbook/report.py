"""OUT/index.html: a whole run on one page, with every executed notebook; it needs no network.

Equations become MathML, which browsers draw by themselves; widgets, which need a kernel, become a remark (each has a
static picture beside it). Links are relative, so the folder can be moved, zipped or served.
"""

import base64
import html
import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, pass_context

from ferkit.workbook import records

WIDGET = "application/vnd.jupyter.widget-view+json"
REMARK = "(interactive: open the notebook in JupyterLab)"
EARLIER = " (earlier run)"
HEADLINE = 3  # metrics in the summary
DIALECT = (("{aligned}", "{align*}"), (r"\arg\m", r"\operatorname{arg}\m"))  # what the converter has under another name


def write_report(out: Path) -> Path:
    """Writes OUT/index.html and OUT/html/<notebook>.html from what lies in OUT; returns the index."""
    run = records.load_run(out)
    rows = []
    for name, entry in run["notebooks"].items():
        executed, page = out / entry["executed"], out / "html" / f"{name}.html"
        if executed.is_file():
            if not page.is_file() or page.stat().st_mtime < executed.stat().st_mtime:
                records.write_text(page, notebook_page(executed, Path(entry["folder"]), entry["error"]))
        else:
            page.unlink(missing_ok=True)
        rows.append(
            {
                "name": name,
                "status": status(run, name),
                "page": page.relative_to(out).as_posix() if page.is_file() else None,
                "headline": headline(entry["metrics"]),
                **{key: entry[key] for key in ("executed", "duration", "parameters", "device", "error")},
            }
        )
    content = TEMPLATES.from_string(INDEX).render(run=run, rows=rows, style=STYLE, environment=run["environment"])
    records.write_text(out / "index.html", content)
    return out / "index.html"


def status(run: Mapping[str, Any], name: str) -> str:
    """The status of one notebook in words; what the last call was not asked to run is from an earlier one."""
    return run["notebooks"][name]["status"] + ("" if name in run["chosen"] else EARLIER)


def headline(metrics: Mapping[str, Mapping[str, Any]], count: int = HEADLINE) -> list[str]:
    """The first metrics as text, with their intervals."""
    return [f"{name} {_metric(metric)}" for name, metric in list(metrics.items())[:count]]


def notebook_page(executed: Path, folder: Path, error: Mapping[str, Any] | None = None) -> str:
    """An executed notebook as one HTML page, pictures embedded; `folder` is where its relative links start."""
    from pygments.formatters import HtmlFormatter

    node = nbformat.read(executed, as_version=4)
    colours = HtmlFormatter(style="friendly").get_style_defs(".highlight")
    return TEMPLATES.from_string(PAGE).render(
        name=executed.stem, body=_body(_still(node), folder), error=error, style=STYLE + colours
    )


def _metric(metric: Mapping[str, Any]) -> str:
    def short(number: float | None) -> str:
        return "undefined" if number is None else f"{number:.4g}"

    if "low" in metric and "high" in metric:
        return f"{short(metric['value'])} [{short(metric['low'])}, {short(metric['high'])}]"
    return short(metric["value"])


def _still(node: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without widgets, which need a kernel to be seen, and without the remarks papermill adds."""
    node.cells = [cell for cell in node.cells if "papermill-error-cell-tag" not in cell.metadata.get("tags", ())]
    for cell in node.cells:
        if "outputs" in cell:
            cell.outputs = [output for output in cell.outputs if not _is_progress(output)]
            for output in cell.outputs:
                if output.get("data", {}).pop(WIDGET, None) is not None and set(output.data) <= {"text/plain"}:
                    output.data["text/plain"] = REMARK
    return node


def _is_progress(output: nbformat.NotebookNode) -> bool:
    """Whether this is a tqdm bar, whose text without its widget stays at 0 %."""
    data = output.get("data", {})
    return WIDGET in data and "%|" in data.get("text/plain", "")


def _body(node: nbformat.NotebookNode, folder: Path) -> str:
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """Markdown as nbconvert writes it, with MathML, embedded pictures, and links to our pages."""

        def inline_math(self, body: str) -> str:
            return mathml(body, "inline")

        def block_math(self, body: str) -> str:
            return mathml(body, "block")

        def latex_environment(self, name: str, body: str) -> str:
            return mathml(body if name.startswith("equation") else rf"\begin{{{name}}}{body}\end{{{name}}}", "block")

        def image(self, text: str, url: str, title: str | None = None) -> str:
            return super().image(text, _embedded(url, folder), title)

        def link(self, text: str, url: str, title: str | None = None) -> str:
            if url.endswith(".ipynb") and "/" not in url:
                return f'<a href="{url.removesuffix(".ipynb")}.html" target="_top">{text}</a>'
            return super().link(text, url, title)

    class Exporter(HTMLExporter):
        @pass_context
        def markdown2html(self, context, source: str) -> str:
            attachments = context.get("cell", {}).get("attachments", {})
            renderer = Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
            return MarkdownWithMath(renderer=renderer).render(source)

    exporter = Exporter(template_name="basic")
    body, _ = exporter.from_notebook_node(node)
    return body


def mathml(tex: str, display: str) -> str:
    """An equation for a browser; the TeX itself where it cannot be converted."""
    try:
        from latex2mathml.converter import convert

        for ours, theirs in DIALECT:
            tex = tex.replace(ours, theirs)
        return convert(tex, display=display)
    except Exception:  # whatever trips the converter, the reader still gets the equation
        tag = "div" if display == "block" else "span"
        return f'<{tag} class="tex">{html.escape(tex)}</{tag}>'


def _embedded(url: str, folder: Path) -> str:
    file = folder / url
    kind = mimetypes.guess_type(url)[0]
    if "://" in url or url.startswith(("data:", "attachment:")) or kind is None or not file.is_file():
        return url
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"


TEMPLATES = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)

STYLE = """
:root { --line: #d9dee5; --soft: #f5f7f9; --text: #1f2933; --faint: #66727f; --link: #0b62a8;
        --good: #1b7f4b; --bad: #b3261e; --wait: #9a6700; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 1rem; color: var(--text); background: #fff;
       font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; } h2 { font-size: 1.3rem; } h3 { font-size: 1.1rem; }
a { color: var(--link); }
pre, code, .tex { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: .86em; }
pre { margin: 0; white-space: pre; overflow-x: auto; line-height: 1.45; }
img, svg { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: .9em; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { font-weight: 600; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } .faint { color: var(--faint); font-size: .9em; } .nowrap { white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); }
.skipped, .interrupted, .running { color: var(--wait); }
.status { font-weight: 600; white-space: nowrap; }
.error { border-left: 4px solid var(--bad); background: #fdf3f2; padding: .6rem .9rem; margin: 1rem 0; }
.error pre { white-space: pre-wrap; overflow-wrap: anywhere; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .7rem 0; }
.error details { border: 0; margin: .4rem 0 0; } .error summary { padding: 0; font-weight: 400; }
summary { cursor: pointer; padding: .6rem .9rem; font-weight: 600; }
iframe { border: 0; border-top: 1px solid var(--line); width: 100%; height: 85vh; display: block; }
.cell { margin: 1rem 0; } .prompt { display: none; }
.input_area { border: 1px solid var(--line); border-left: 3px solid #9fb6cc; border-radius: 4px;
              background: var(--soft); padding: .55rem .8rem; overflow-x: auto; }
.highlight { background: transparent !important; }
.output_wrapper { padding: .35rem 0 0 .9rem; } .output_area { margin: .4rem 0; overflow-x: auto; }
.output_stderr { background: #fff8e6; padding: .3rem .6rem; } .output_error { background: #fdf3f2; padding: .5rem; }
.rendered_html blockquote { margin: 1rem 0; padding: 0 1rem; border-left: 3px solid var(--line); color: #46515d; }
.rendered_html p code, .rendered_html li code { background: var(--soft); padding: .1em .3em; border-radius: 3px; }
.dataframe, .dataframe td, .dataframe th { border-width: 0 0 1px; text-align: right; } .dataframe tbody th { text-align: left; }
math[display=block] { margin: .8rem 0; overflow-x: auto; overflow-y: hidden; } div.tex { text-align: center; }
.ansi-red-fg, .ansi-red-intense-fg { color: #b3261e; } .ansi-green-fg, .ansi-green-intense-fg { color: #1b7f4b; }
.ansi-blue-fg, .ansi-cyan-fg, .ansi-blue-intense-fg { color: #0b62a8; } .ansi-yellow-fg { color: #9a6700; }
.ansi-bold { font-weight: 600; }
.bar { display: flex; gap: 1rem; justify-content: space-between; flex-wrap: wrap; }
body:has(#no-code:checked) .input { display: none; }
body.inside { padding-top: .3rem; } .inside .up { display: none; }
@media (max-width: 40rem) { body { padding: .7rem; font-size: 15px; } th, td { padding: .25rem .45rem; }
                            .output_wrapper { padding-left: 0; } }
"""

ERROR = """
{% macro failure(error) %}
<div class="error">
<b>Failed{% if error.cell %} in code cell {{ error.cell }}{% else %} before the first cell{% endif %}:</b>
<code>{{ error.error }}: {{ error.message }}</code>
{% if error.source %}<details open><summary>the cell</summary><pre>{{ error.source }}</pre></details>{% endif %}
{% if error.traceback %}<details><summary>the traceback</summary><pre>{{ error.traceback }}</pre></details>{% endif %}
</div>
{% endmacro %}
"""

INDEX = (
    ERROR
    + """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ferkit run</title>
<style>{{ style|safe }}</style>
</head>
<body>
<h1>ferkit run</h1>
<p class="faint">Started {{ run.started|replace("T", " ") }},
{{ "finished " + run.finished|replace("T", " ") if run.finished else "not finished" }}.
ferkit {{ environment.ferkit }}, Python {{ environment.python }}, {{ environment.platform }},
{{ environment.cpus }} processors, {{ environment.gpu or "no GPU" }}. The record: <a href="run.json">run.json</a>.</p>
<div class="wide"><table>
<thead><tr><th>notebook</th><th>status</th><th class="number">seconds</th><th>level</th>
<th>first results</th></tr></thead>
<tbody>
{% for row in rows %}
<tr><td class="nowrap">
{% if row.page %}<a href="{{ row.page }}">{{ row.name }}</a>{% else %}{{ row.name }}{% endif %}</td>
<td class="status {{ row.status.split(":")[0].split()[0] }}">{{ row.status }}</td>
<td class="number">{{ "%.1f"|format(row.duration) }}</td><td>{{ row.parameters.level }}</td>
<td>{% for text in row.headline %}{{ text }}{% if not loop.last %}<br>{% endif %}{% endfor %}</td></tr>
{% endfor %}
</tbody></table></div>
{% for row in rows if row.error %}
<h3>{{ row.name }}</h3>
{{ failure(row.error) }}
{% endfor %}
<h2>Notebooks</h2>
{% for row in rows if row.page %}
<details id="{{ row.name }}"><summary>{{ row.name }}</summary>
<p class="faint" style="padding: 0 .9rem">{{ row.status }}, on {{ row.device }}, with
{% for name, value in row.parameters.items() if name != "out" %}<code>{{ name }} = {{ value|tojson }}</code>{%
if not loop.last %}, {% endif %}{% endfor %}.
<a href="{{ row.page }}">As its own page</a>, <a href="{{ row.executed }}">as a notebook</a>.</p>
<iframe src="{{ row.page }}" loading="lazy" title="{{ row.name }}"></iframe>
</details>
{% endfor %}
<details><summary>Versions</summary><div class="wide"><table>
{% for name, version in environment.versions.items() %}
<tr><td>{{ name }}</td><td>{{ version or "missing" }}</td></tr>
{% endfor %}
</table></div></details>
<script>
addEventListener("message", (event) => {
  for (const frame of document.querySelectorAll("iframe"))
    if (frame.contentWindow === event.source && event.data.height) frame.style.height = event.data.height + "px";
});
</script>
</body>
</html>
"""
)

PAGE = (
    ERROR
    + """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ name }}</title>
<style>{{ style|safe }}</style>
</head>
<body>
<div class="bar faint"><a class="up" href="../index.html">all notebooks</a>
<label><input type="checkbox" id="no-code"> hide the code</label></div>
{% if error %}{{ failure(error) }}{% endif %}
{{ body|safe }}
<script>
if (parent !== window) {
  document.body.classList.add("inside");
  new ResizeObserver(() => parent.postMessage({height: document.body.scrollHeight + 20}, "*")).observe(document.body);
}
</script>
</body>
</html>
"""
)
