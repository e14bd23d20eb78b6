using System.Globalization;
using System.Text;
using DistillOnnx.Stages.IO;
using ScottPlot;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>Accuracy over the teacher's answers and over dollars, as a table and as a picture.</summary>
internal static class ImproveCurve
{
    /// <summary>The table's name.</summary>
    public const string Table = "curve.csv";

    /// <summary>The picture's name.</summary>
    public const string Picture = "curve.png";

    private const int Width = 900;
    private const int Height = 900;

    /// <summary>Writes both.</summary>
    /// <param name="directory">Where to.</param>
    /// <param name="rounds">The rounds, the start first where something served.</param>
    /// <param name="split">What the accuracy was measured on.</param>
    public static void Write(string directory, IReadOnlyList<RoundReport> rounds, string split)
    {
        AtomicFile.WriteAllBytes(Path.Combine(directory, Table), Encoding.UTF8.GetBytes(Csv(rounds)));
        using var file = AtomicFile.Create(Path.Combine(directory, Picture));
        file.Stream.Write(Draw(rounds, split));
        file.Commit();
    }

    private static string Csv(IReadOnlyList<RoundReport> rounds)
    {
        var text = new StringBuilder("round,by,calls,dollars,train_rows,accuracy,accuracy_low,accuracy_high,serving_accuracy,passed\n");
        foreach (var r in rounds)
        {
            text.Append(
                CultureInfo.InvariantCulture,
                $"{r.Round},{r.By?.ToString().ToLowerInvariant()},{r.Calls},{r.Cost:0.######},{r.TrainRows},{r.Accuracy:0.######},");
            text.Append(
                CultureInfo.InvariantCulture,
                $"{r.AccuracyInterval?.Low:0.######},{r.AccuracyInterval?.High:0.######},{r.ServingAccuracy:0.######},");
            text.Append(r.Gate is null ? "\n" : r.Gate.Passed ? "true\n" : "false\n");
        }

        return text.ToString();
    }

    private static byte[] Draw(IReadOnlyList<RoundReport> rounds, string split)
    {
        var picture = new Multiplot();
        picture.AddPlots(2);
        Panel(picture.GetPlot(0), rounds, r => r.Calls, "answers of the teacher", split);
        if (rounds.All(r => r.Cost is not null)) Panel(picture.GetPlot(1), rounds, r => r.Cost!.Value, "US dollars", split);
        else picture.GetPlot(1).Title("the price of the teacher's answers is not known");
        return picture.Render(Width, Height).GetImageBytes();
    }

    private static void Panel(Plot plot, IReadOnlyList<RoundReport> rounds, Func<RoundReport, double> place, string label, string split)
    {
        var measured = rounds.Where(r => r.Accuracy is not null).ToList();
        double[] x = [.. measured.Select(place)];
        double[] y = [.. measured.Select(r => 100 * r.Accuracy!.Value)];
        var student = plot.Add.Scatter(x, y);
        student.LegendText = "the round's student";
        double[] none = [.. x.Select(_ => 0.0)];
        var bars = new ScottPlot.Plottables.ErrorBar(
            x,
            y,
            none,
            none,
            measured.Select(r => 100 * (r.Accuracy!.Value - r.AccuracyInterval!.Low)).ToArray(),
            measured.Select(r => 100 * (r.AccuracyInterval!.High - r.Accuracy!.Value)).ToArray())
        {
            Color = student.Color,
        };
        plot.Add.Plottable(bars);
        var served = rounds.Where(r => r.ServingAccuracy is not null).ToList();
        var serving = plot.Add.Scatter(served.Select(place).ToArray(), served.Select(r => 100 * r.ServingAccuracy!.Value).ToArray());
        serving.LegendText = "what serves";
        plot.XLabel(label);
        plot.YLabel($"{split} accuracy, % (bars: 95 % interval)");
        plot.ShowLegend(Edge.Right);
    }
}
