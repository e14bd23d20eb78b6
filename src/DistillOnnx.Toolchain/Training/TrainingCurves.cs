using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using ScottPlot;

namespace DistillOnnx.Toolchain.Training;

/// <summary>Draws the content of <c>training.json</c>: losses above, accuracy below.</summary>
internal static class TrainingCurves
{
    /// <summary>The picture's name within a checkpoint.</summary>
    public const string FileName = "curves.png";

    private const int Width = 900;
    private const int Height = 800;

    /// <summary>Draws a checkpoint's curves beside its report.</summary>
    /// <param name="checkpoint">The checkpoint directory.</param>
    /// <returns>The picture; null where there is nothing to draw.</returns>
    public static string? Draw(string checkpoint)
    {
        var report = Path.Combine(checkpoint, TrainingFile.Name);
        if (!File.Exists(report)) return null;
        JsonNode? training;
        try
        {
            training = JsonNode.Parse(File.ReadAllText(report));
        }
        catch (JsonException)
        {
            return null;
        }

        if (training?["evaluations"] is not JsonArray { Count: > 0 } evaluations) return null;
        var picture = new Multiplot();
        picture.AddPlots(2);
        var losses = picture.GetPlot(0);
        foreach (var name in (string[])["train_label_loss", "validation_label_loss", "train_rationale_loss", "validation_rationale_loss"])
            Line(losses, evaluations, name, 1);
        losses.YLabel("loss, nats a token");
        // Beside the plots, where they hide no line.
        losses.ShowLegend(Edge.Right);
        var accuracy = picture.GetPlot(1);
        Line(accuracy, evaluations, "validation_accuracy", 100);
        Line(accuracy, evaluations, "validation_macro_f1", 100);
        accuracy.YLabel("accuracy, macro F1, %");
        accuracy.XLabel("step");
        if (training["data"]?["validation_chance"] is JsonValue chance)
        {
            var line = accuracy.Add.HorizontalLine(100 * (double)chance, color: Colors.Gray, pattern: LinePattern.Dashed);
            line.LegendText = "chance";
        }

        accuracy.ShowLegend(Edge.Right);
        var path = Path.Combine(checkpoint, FileName);
        picture.SavePng(path, Width, Height);
        return path;
    }

    private static void Line(Plot plot, JsonArray evaluations, string name, double scale)
    {
        var points = evaluations.Where(e => e?[name] is not null).Select(e => ((double)e!["step"]!, scale * (double)e[name]!)).ToArray();
        if (points.Length == 0) return;
        plot.Add.Scatter(points.Select(p => p.Item1).ToArray(), points.Select(p => p.Item2).ToArray()).LegendText =
            name.Replace('_', ' ').Replace("f1", "F1", StringComparison.Ordinal);
    }
}
