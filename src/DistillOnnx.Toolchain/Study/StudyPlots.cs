using ScottPlot;

namespace DistillOnnx.Toolchain.Study;

/// <summary>Draws accuracy over training rows, a line a method, with the deviation over seeds as bars: the paper's
/// data-efficiency figures.</summary>
internal static class StudyPlots
{
    private const int Width = 900;
    private const int Height = 600;

    /// <summary>Draws one picture a student and returns the file names.</summary>
    public static IReadOnlyList<string> Draw(
        IReadOnlyList<StudySummary> summary, IReadOnlyList<StudyData> data, string split, string directory)
    {
        var files = new List<string>();
        foreach (var student in summary.GroupBy(s => s.Student, StringComparer.Ordinal))
        {
            using var plot = new Plot();
            var several = student.Select(s => s.Data).Distinct(StringComparer.Ordinal).Count() > 1;
            foreach (var line in student.GroupBy(s => (s.Data, s.Method)))
            {
                var points = line.OrderBy(p => p.TrainRows).ToArray();
                double[] rows = [.. points.Select(p => (double)p.TrainRows)];
                double[] accuracy = [.. points.Select(p => 100 * p.Accuracy)];
                var scatter = plot.Add.Scatter(rows, accuracy);
                scatter.LegendText = several ? $"{line.Key.Method}, {line.Key.Data}" : line.Key.Method;
                var bars = plot.Add.ErrorBar(rows, accuracy, [.. points.Select(p => 100 * p.Deviation)]);
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
