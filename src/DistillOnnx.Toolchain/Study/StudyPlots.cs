using ScottPlot;

namespace DistillOnnx.Toolchain.Study;

/// <summary>Draws accuracy over training rows, a line a method, with the deviation over seeds as bars: the paper's
/// data-efficiency figures.</summary>
internal static class StudyPlots
{
    private const int Width = 900;
    private const int Height = 600;

    private static readonly IPalette Palette = new ScottPlot.Palettes.Category10();
    private static readonly LinePattern[] Patterns = [LinePattern.Solid, LinePattern.Dashed, LinePattern.Dotted, LinePattern.DenselyDashed];

    private static readonly MarkerShape[] Markers =
        [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp, MarkerShape.OpenCircle, MarkerShape.OpenSquare];

    /// <summary>Draws one picture a student and returns the file names.</summary>
    public static IReadOnlyList<string> Draw(
        IReadOnlyList<StudySummary> summary, IReadOnlyList<StudyData> data, string split, string directory)
    {
        var files = new List<string>();
        foreach (var student in summary.GroupBy(s => s.Student, StringComparer.Ordinal))
        {
            using var plot = new Plot();
            var several = student.Select(s => s.Data).Distinct(StringComparer.Ordinal).Count() > 1;
            string[] sets = [.. student.Select(s => s.Data).Distinct(StringComparer.Ordinal)];
            string[] methods = [.. student.Select(s => s.Method).Distinct(StringComparer.Ordinal)];
            foreach (var line in student.GroupBy(s => (s.Data, s.Method)))
            {
                var points = line.OrderBy(p => p.TrainRows).ToArray();
                double[] rows = [.. points.Select(p => (double)p.TrainRows)];
                double[] accuracy = [.. points.Select(p => 100 * p.Accuracy)];
                var scatter = plot.Add.Scatter(rows, accuracy);

                // A dataset has a colour, and a method its own line: bars take colours of the plot's own sequence as well.
                var method = Array.IndexOf(methods, line.Key.Method);
                scatter.Color = Palette.GetColor(several ? Array.IndexOf(sets, line.Key.Data) : method);
                scatter.LinePattern = Patterns[method % Patterns.Length];
                scatter.MarkerShape = Markers[method % Markers.Length];
                scatter.LegendText = several ? $"{line.Key.Method}, {line.Key.Data}" : line.Key.Method;
                var bars = plot.Add.ErrorBar(rows, accuracy, [.. points.Select(p => 100 * (p.Deviation ?? 0))]);
                bars.Color = scatter.Color;
            }

            foreach (var chance in data.Where(d => d.Chance is not null && student.Any(s => s.Data == d.Name))
                .Select(d => d.Chance!.Value)
                .Distinct())
            {
                var line = plot.Add.HorizontalLine(100 * chance, color: Colors.Gray, pattern: LinePattern.Dashed);
                line.LegendText = "chance";
            }

            plot.Title(student.Max(s => s.Seeds) > 1 ? $"{student.Key} (bars: standard deviation over seeds)" : student.Key);
            plot.XLabel("training rows");
            plot.YLabel($"{split} accuracy, %");
            // Beside the plot, where it hides no line.
            plot.ShowLegend(Edge.Right);
            var file = $"accuracy-{StudyNames.Safe(student.Key)}.png";
            plot.SavePng(Path.Combine(directory, file), Width, Height);
            files.Add(file);
        }

        return files;
    }
}
