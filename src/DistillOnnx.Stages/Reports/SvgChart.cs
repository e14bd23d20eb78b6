using System.Globalization;
using System.Text;

namespace DistillOnnx.Stages.Reports;

/// <summary>A plot as inline SVG, whose colours are the page's.</summary>
public sealed class SvgChart
{
    /// <summary>Parts of an axis between its ticks.</summary>
    internal const int Ticks = 5;

    private const int Left = 64, Top = 16, PlotWidth = 520, PlotHeight = 260;

    private readonly StringBuilder _svg = new();
    private readonly int _width, _height;

    private SvgChart(int width, int height) => (_width, _height) = (width, height);

    /// <summary>Draws lines over two axes, with the legend beside the plot.</summary>
    /// <param name="x">Name and range of the horizontal axis.</param>
    /// <param name="y">Name and range of the vertical axis.</param>
    /// <param name="lines">The lines; more than four repeat colours.</param>
    /// <param name="reference">A dashed line to compare with, such as chance; null: none.</param>
    public static SvgChart Lines(SvgAxis x, SvgAxis y, IReadOnlyList<SvgLine> lines, SvgLine? reference = null)
    {
        var chart = new SvgChart(Left + PlotWidth + 190, Top + PlotHeight + 48);
        chart.Axes(x, y);
        if (reference is not null) chart.Draw("chance", reference, x, y);
        for (var i = 0; i < lines.Count; i++)
        {
            chart.Draw($"line s{i % 4}", lines[i], x, y);
            foreach (var (px, py) in lines[i].Points.Count <= 40 ? lines[i].Points : [])
                chart.Tag($"<circle class=\"f{i % 4}\" r=\"3\" cx=\"{Number(chart.X(px, x))}\" cy=\"{Number(chart.Y(py, y))}\"/>");
        }

        var legend = lines.Select((l, i) => (l.Name, Class: $"line s{i % 4}")).Concat(
            reference is null ? [] : [(reference.Name, Class: "chance")]).ToList();
        for (var i = 0; i < legend.Count; i++)
        {
            var at = Top + 12 + i * 20;
            chart.Tag($"<path class=\"{legend[i].Class}\" d=\"M{Left + PlotWidth + 12},{at}h24\"/>");
            chart.Text(Left + PlotWidth + 42, at + 4, legend[i].Name, "start");
        }

        return chart;
    }

    /// <summary>Draws one horizontal bar for each value, its name before it and its value behind it.</summary>
    /// <param name="bars">Names, values and what is written behind them.</param>
    public static SvgChart Bars(IReadOnlyList<(string Name, double Value, string Label)> bars)
    {
        const int NameWidth = 190, BarWidth = 420, Line = 24;
        var chart = new SvgChart(NameWidth + BarWidth + 150, bars.Count * Line + 8);
        var most = bars.Count == 0 ? 1 : Math.Max(bars.Max(b => b.Value), double.Epsilon);
        for (var i = 0; i < bars.Count; i++)
        {
            var width = Math.Max(1, bars[i].Value / most * BarWidth);
            chart.Text(NameWidth - 8, i * Line + 20, bars[i].Name, "end");
            chart.Tag($"<rect class=\"f0\" x=\"{NameWidth}\" y=\"{i * Line + 7}\" width=\"{Number(width)}\" height=\"16\"/>");
            chart.Text(NameWidth + width + 6, i * Line + 20, bars[i].Label, "start");
        }

        return chart;
    }

    /// <summary>Draws counts as a grid whose cells are the darker the larger their share of their row.</summary>
    /// <param name="names">Names of rows and columns.</param>
    /// <param name="counts">Counts: rows, then columns.</param>
    /// <param name="rows">What the rows are.</param>
    /// <param name="columns">What the columns are.</param>
    public static SvgChart Grid(IReadOnlyList<string> names, IReadOnlyList<IReadOnlyList<long>> counts, string rows, string columns)
    {
        const int NameWidth = 150, Line = 36, Head = 52;
        // As wide as the longest name needs.
        var shown = Math.Clamp(names.Count == 0 ? 0 : names.Max(n => n.Length), 9, 18);
        var cell = shown * 7 + 4;
        var chart = new SvgChart(NameWidth + names.Count * cell + 16, Head + names.Count * Line + 8);
        chart.Text(NameWidth + names.Count * cell / 2.0, 14, columns, "middle");
        chart.Text(8, Head - 10, rows, "start");
        for (var r = 0; r < names.Count; r++)
        {
            chart.Text(NameWidth + r * cell + cell / 2.0, Head - 10, names[r], "middle", shown);
            chart.Text(NameWidth - 8, Head + r * Line + 22, names[r], "end");
            var total = Math.Max(1, counts[r].Sum());
            for (var c = 0; c < names.Count; c++)
            {
                chart.Tag(
                    $"<rect class=\"f{(r == c ? 0 : 1)}\" fill-opacity=\"{Number(0.6 * counts[r][c] / total)}\" "
                    + $"stroke=\"var(--line)\" x=\"{NameWidth + c * cell}\" y=\"{Head + r * Line}\" width=\"{cell}\" height=\"{Line}\"/>");
                chart.Text(
                    NameWidth + c * cell + cell / 2.0, Head + r * Line + 22, counts[r][c].ToString(CultureInfo.InvariantCulture), "middle");
            }
        }

        return chart;
    }

    /// <summary>The plot as an <c>svg</c> element.</summary>
    public string ToSvg() =>
        $"<svg role=\"img\" xmlns=\"http://www.w3.org/2000/svg\" width=\"{_width}\" height=\"{_height}\" viewBox=\"0 0 "
            + $"{_width} {_height}\">{_svg}</svg>";

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private double X(double value, SvgAxis axis) =>
        Left + (Math.Clamp(value, axis.From, axis.To) - axis.From) / (axis.To - axis.From) * PlotWidth;

    private double Y(double value, SvgAxis axis) =>
        Top + PlotHeight - (Math.Clamp(value, axis.From, axis.To) - axis.From) / (axis.To - axis.From) * PlotHeight;

    private void Axes(SvgAxis x, SvgAxis y)
    {
        Tag($"<path class=\"axis\" d=\"M{Left},{Top}V{Top + PlotHeight}H{Left + PlotWidth}\"/>");
        for (var i = 0; i <= Ticks; i++)
        {
            var (vx, vy) = (x.From + (x.To - x.From) * i / Ticks, y.From + (y.To - y.From) * i / Ticks);
            Text(X(vx, x), Top + PlotHeight + 18, vx.ToString("0.###", CultureInfo.InvariantCulture), "middle");
            Text(Left - 8, Y(vy, y) + 4, vy.ToString("0.###", CultureInfo.InvariantCulture), "end");
            Tag($"<path class=\"axis\" d=\"M{Left},{Number(Y(vy, y))}H{Left + PlotWidth}\"/>");
        }

        Text(Left + PlotWidth / 2.0, Top + PlotHeight + 40, x.Name, "middle", 80);
        _svg.Append(
            CultureInfo.InvariantCulture,
            $"<text transform=\"translate(16 {Top + PlotHeight / 2}) rotate(-90)\" "
            + $"text-anchor=\"middle\">{HtmlReport.Escape(y.Name)}</text>");
    }

    private void Draw(string style, SvgLine line, SvgAxis x, SvgAxis y)
    {
        if (line.Points.Count > 0)
            Tag(
                $"<path class=\"{style}\" "
                + $"d=\"M{string.Join('L', line.Points.Select(p => $"{Number(X(p.X, x))},{Number(Y(p.Y, y))}"))}\"/>");
    }

    private void Tag(string tag) => _svg.Append(tag);

    // A name that is too long is cut on the plot and shown in full as its title.
    private void Text(double x, double y, string text, string anchor, int width = 26)
    {
        var shown = text.Length <= width ? text : text[..(width - 1)] + "…";
        var title = shown == text ? "" : $"<title>{HtmlReport.Escape(text)}</title>";
        Tag($"<text x=\"{Number(x)}\" y=\"{Number(y)}\" text-anchor=\"{anchor}\">{HtmlReport.Escape(shown)}{title}</text>");
    }
}
