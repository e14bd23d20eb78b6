using System.Text.Json.Nodes;
using DistillOnnx.Data;
using DistillOnnx.Teacher.Rows;

namespace DistillOnnx.Toolchain.Improvement;

/// <summary>The rows of an annotation that the teacher was asked about, without those that it left.</summary>
internal static class AskedRows
{
    /// <summary>Writes them as a dataset.</summary>
    /// <param name="annotated">The annotation.</param>
    /// <param name="output">The dataset directory.</param>
    /// <param name="cancellationToken">Stops between rows.</param>
    public static void Write(string annotated, string output, CancellationToken cancellationToken)
    {
        var notAsked = SplitTally.Name(RowVerdict.NotAsked);
        var left = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in JsonLines.Read(Path.Combine(annotated, AnnotatedDataset.ProvenanceFile)))
        {
            var row = JsonNode.Parse(line.Utf8.Span)!;
            if ((string?)row["verdict"] == notAsked) left.Add((string)row["id"]!);
        }

        var dataset = Dataset.Open(annotated);
        using var writer = DatasetWriter.Create(output, dataset.Task, overwrite: true);
        foreach (var row in dataset.Stream(SplitNames.Train, LabelNeed.None).Where(r => !left.Contains(r.Id)))
        {
            cancellationToken.ThrowIfCancellationRequested();
            writer.Write(SplitNames.Train, row);
        }

        writer.Info["source"] = "improve";
        writer.Commit();
    }
}
