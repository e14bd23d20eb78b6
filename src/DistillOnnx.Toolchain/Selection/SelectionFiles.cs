using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Data.Selection;
using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>What a selection leaves: a dataset, and beside its rows why each was taken.</summary>
internal static class SelectionFiles
{
    /// <summary>The file that has a line for each row taken, in their order.</summary>
    public const string ReasonsFile = "selection.jsonl";

    private static readonly JsonWriterOptions Writing = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>A hash of what decides a result.</summary>
    public static string Fingerprint(params IEnumerable<object?> parts) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(parts)));

    /// <summary>Writes the dataset.</summary>
    public static void Write(
        SelectOptions options,
        Pool pool,
        IReadOnlyList<SelectedRow> rows,
        SelectResult result,
        string fingerprint,
        CancellationToken cancellationToken)
    {
        using var writer = DatasetWriter.Create(options.Out, pool.Task, options.Overwrite);
        foreach (var row in rows) writer.Write(options.Split, row.Example);
        foreach (var split in options.SplitAlone ? [] : pool.Dataset.Splits.Where(s => s != options.Split))
        {
            foreach (var example in pool.Dataset.Stream(split, LabelNeed.None))
            {
                cancellationToken.ThrowIfCancellationRequested();
                writer.Write(split, example);
            }
        }

        using (var reasons = File.Create(writer.FilePath(ReasonsFile)))
        {
            for (var i = 0; i < rows.Count; i++) WriteReason(reasons, i + 1, rows[i], options.Selection.By);
        }

        writer.Info["source"] = "select";
        writer.Info["fingerprint"] = fingerprint;
        writer.Info["selection"] = ResultJson.ToNode(result);
        writer.Commit();
    }

    /// <summary>The result of a selection with this fingerprint that stands there already; null where there is none.</summary>
    public static SelectResult? Find(string directory, string fingerprint)
    {
        var path = Path.Combine(directory, DatasetWriter.InfoFileName);
        if (!File.Exists(path)) return null;
        try
        {
            var info = JsonNode.Parse(File.ReadAllBytes(path))!;
            return (string?)info["fingerprint"] == fingerprint ? ResultJson.FromNode<SelectResult>(info["selection"]) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException)
        {
            throw new InputException($"{path}: not what a selection writes: {e.Message}", e);
        }
    }

    private static void WriteReason(Stream stream, int rank, SelectedRow row, SelectionRule by)
    {
        using (var json = new Utf8JsonWriter(stream, Writing))
        {
            json.WriteStartObject();
            json.WriteString("id", row.Example.Id);
            json.WriteNumber("rank", rank);
            json.WriteString("by", by.ToString().ToLowerInvariant());
            if (row.Uncertainty is { } uncertainty) json.WriteNumber("uncertainty", uncertainty);
            if (row.Answer is not null) json.WriteString("answer", row.Answer);
            if (row.Probability is { } probability) json.WriteNumber("probability", Math.Round(probability, 6));
            if (row.Distance is { } distance) json.WriteNumber("distance", Math.Round(distance, 6));
            if (row.Nearest is not null) json.WriteString("nearest", row.Nearest);
            if (row.Covers is { } covers) json.WriteNumber("covers", covers);
            json.WriteEndObject();
        }

        stream.WriteByte((byte)'\n');
    }
}
