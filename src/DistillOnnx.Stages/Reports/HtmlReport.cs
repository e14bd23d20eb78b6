using System.Globalization;
using System.Net;
using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Stages.IO;

namespace DistillOnnx.Stages.Reports;

/// <summary>
/// One self-contained HTML page: headings, paragraphs, tables and plots, for light and dark screens. Every text is escaped,
/// and the page's own policy forbids it to load or run anything.
/// </summary>
/// <param name="title">The page's title.</param>
public sealed class HtmlReport(string title)
{
    private const int LongestWord = 40;

    private const string Style = """
        :root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6470; --line: #d5dae0; --page: #ffffff; --band: #f4f6f8;
            --s0: #2563c9; --s1: #c2410c; --s2: #15803d; --s3: #7e22ce; }
        @media (prefers-color-scheme: dark) {
            :root { --ink: #e4e7eb; --soft: #9aa4b0; --line: #3a424c; --page: #14181d; --band: #1d232a; --s0: #76a9fa;
                --s1: #fb923c; --s2: #4ade80; --s3: #c084fc; }
        }
        body { margin: 2rem auto; max-width: 68rem; padding: 0 1rem; background: var(--page); color: var(--ink);
            font: 15px/1.5 system-ui, sans-serif; }
        h1 { font-size: 1.6rem; margin: 0 0 .5rem; }
        .part { margin-top: 4rem; border-top: 3px solid var(--line); padding-top: .5rem; }
        h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
        p { margin: .5rem 0; }
        .note { color: var(--soft); }
        .warning { border-left: 4px solid var(--s1); padding-left: .75rem; }
        .table { overflow-x: auto; }
        table { border-collapse: collapse; margin: .5rem 0; }
        th, td { padding: .25rem .75rem .25rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
        th { font-weight: 600; color: var(--soft); }
        td { white-space: pre-wrap; overflow-wrap: break-word; min-width: 2.5rem; }
        .word { white-space: nowrap; }
        .text { min-width: 12rem; }
        .number { text-align: right; font-variant-numeric: tabular-nums; }
        .figures { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; }
        .figures div { background: var(--band); padding: .5rem .9rem; border-radius: .4rem; }
        .figures b { display: block; font-size: 1.25rem; }
        .figures span { color: var(--soft); font-size: .85rem; }
        svg { max-width: 100%; height: auto; display: block; margin: .5rem 0; }
        svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
        svg .axis { stroke: var(--line); fill: none; }
        svg .chance { stroke: var(--soft); stroke-dasharray: 5 4; fill: none; }
        svg .s0 { stroke: var(--s0); }
        svg .s1 { stroke: var(--s1); }
        svg .s2 { stroke: var(--s2); }
        svg .s3 { stroke: var(--s3); }
        svg .line { fill: none; stroke-width: 2; }
        svg .f0 { fill: var(--s0); }
        svg .f1 { fill: var(--s1); }
        svg .f2 { fill: var(--s2); }
        svg .f3 { fill: var(--s3); }
        svg .soft { fill: var(--soft); }
        """;

    private readonly StringBuilder _body = new StringBuilder().Append(CultureInfo.InvariantCulture, $"<h1>{Escape(title)}</h1>\n");

    /// <summary>A text as HTML: markup escaped, and control characters, which HTML has no place for, shown as a
    /// replacement character.</summary>
    /// <param name="text">The text.</param>
    public static string Escape(string text)
    {
        var clean = text.AsSpan().IndexOfAnyInRange('\0', '\u001f') < 0
            ? text
            : string.Concat(text.Select(c => c is < ' ' and not ('\n' or '\r' or '\t') ? '\uFFFD' : c));
        return WebUtility.HtmlEncode(clean);
    }

    /// <summary>Begins a part of several sections.</summary>
    /// <param name="text">Its heading.</param>
    public HtmlReport Part(string text) => Add($"<h1 class=\"part\">{Escape(text)}</h1>");

    /// <summary>Begins a section.</summary>
    /// <param name="text">Its heading.</param>
    public HtmlReport Heading(string text) => Add($"<h2>{Escape(text)}</h2>");

    /// <summary>Adds a paragraph.</summary>
    /// <param name="text">Its text.</param>
    public HtmlReport Paragraph(string text) => Add($"<p>{Escape(text)}</p>");

    /// <summary>Adds a paragraph in smaller weight: how to read the part beside it.</summary>
    /// <param name="text">Its text.</param>
    public HtmlReport Note(string text) => Add($"<p class=\"note\">{Escape(text)}</p>");

    /// <summary>Adds a highlighted paragraph.</summary>
    /// <param name="text">Its text.</param>
    public HtmlReport Warning(string text) => Add($"<p class=\"warning\">{Escape(text)}</p>");

    /// <summary>Adds a row of key figures.</summary>
    /// <param name="figures">Names and values.</param>
    public HtmlReport Figures(IEnumerable<(string Name, string Value)> figures) =>
        Add("<div class=\"figures\">"
            + string.Concat(figures.Select(f => $"<div><b>{Escape(f.Value)}</b><span>{Escape(f.Name)}</span></div>"))
            + "</div>");

    /// <summary>Adds a table. Columns whose cells are all numbers are aligned to the right, those without any value are left out.</summary>
    /// <param name="columns">Headings.</param>
    /// <param name="rows">Cells; null is an empty one.</param>
    public HtmlReport Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string?>> rows)
    {
        var all = rows.ToList();
        // A column without any value tells nothing and takes room.
        int[] shown = [.. Enumerable.Range(0, columns.Count).Where(c => all.Count == 0 || all.Any(r => !string.IsNullOrEmpty(r[c])))];
        (columns, all) = ([.. shown.Select(c => columns[c])], [.. all.Select(r => (IReadOnlyList<string?>)[.. shown.Select(c => r[c])])]);
        var numbers = Enumerable.Range(0, columns.Count).Select(c => all.Count > 0 && all.All(r => IsNumber(r[c]))).ToArray();
        var head = string.Concat(columns.Select((c, i) => $"<th{Class(i, null)}>{Escape(c)}</th>"));
        var body = string.Concat(
            all.Select(r => $"<tr>{string.Concat(r.Select((c, i) => $"<td{Class(i, c)}>{Escape(c ?? "")}</td>"))}</tr>\n"));
        return Add($"<div class=\"table\"><table><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>");

        string Class(int column, string? cell) => numbers[column] ? " class=\"number\""
            : IsWord(cell) ? " class=\"word\""
            : cell?.Length > LongestWord / 2 ? " class=\"text\"" : "";
    }

    /// <summary>Adds a plot.</summary>
    /// <param name="chart">The plot.</param>
    public HtmlReport Chart(SvgChart chart) => Add(chart.ToSvg());

    /// <summary>The page.</summary>
    public string ToHtml() => $"""
        <!DOCTYPE html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
        <title>{Escape(title)}</title><style>
        {Style}
        </style></head><body>
        {_body}</body></html>

        """;

    /// <summary>Writes the page, whole or not at all.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public void Save(string path) => AtomicFile.WriteAllBytes(path, Encoding.UTF8.GetBytes(ToHtml()));

    // A browser would break an id or a label at its hyphens.
    private static bool IsWord(string? cell) =>
        cell is { Length: > 0 and <= LongestWord } && !cell.AsSpan().ContainsAny(' ', '\n', '\t');

    private static bool IsNumber(string? cell) =>
        string.IsNullOrEmpty(cell)
            || double.TryParse(
                cell.TrimEnd('%', ' '), NumberStyles.Float | NumberStyles.AllowThousands, CultureInfo.InvariantCulture, out _);

    private HtmlReport Add(string html)
    {
        _body.Append(html).Append('\n');
        return this;
    }
}
