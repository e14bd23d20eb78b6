using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Training.Checkpointing;
using DistillOnnx.Training.MicroBatches;

namespace DistillOnnx.Training.Trainer;

/// <summary>
/// What each class of a closed set weighs in the label loss: <c>none</c>, <c>balanced</c>, or a JSON file of weights by label.
/// </summary>
internal sealed class ClassWeights
{
    /// <summary>All rows weigh the same.</summary>
    public const string None = "none";

    private const string Balanced = "balanced";

    private readonly SortedDictionary<string, double> _weights;

    private ClassWeights(SortedDictionary<string, double> weights)
    {
        _weights = weights;
    }

    /// <summary>The weights by label.</summary>
    public JsonObject Json => JsonSerializer.SerializeToNode(_weights)!.AsObject();

    /// <summary>Identifies the weights.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Json.ToJsonString(TrainingJson.Compact))));

    /// <summary>The file that the option names; null where it names none.</summary>
    /// <param name="option">The option's text.</param>
    public static string? FileOf(string option) => option is None or Balanced ? null : option;

    /// <summary>The weights that the option asks for; null: none.</summary>
    /// <param name="option">The option's text.</param>
    /// <param name="labels">The closed set.</param>
    /// <param name="rows">The training rows.</param>
    /// <exception cref="InputException">The file cannot be read, or its labels are not those of the set.</exception>
    public static ClassWeights? Create(string option, IReadOnlyList<string> labels, IReadOnlyList<TrainingRow> rows)
    {
        if (option == None) return null;
        var weights = new SortedDictionary<string, double>(StringComparer.Ordinal);
        if (option != Balanced)
        {
            foreach (var (label, weight) in Read(option, labels)) weights.Add(label, weight);
            return new ClassWeights(weights);
        }

        // Inversely to a class's rows, and so that the rows' mean weight is 1.
        var classes = rows.Where(r => r.Label is not null).GroupBy(r => r.Label!, StringComparer.Ordinal).ToList();
        var count = classes.Sum(c => c.Count());
        foreach (var rowsOfClass in classes) weights.Add(rowsOfClass.Key, (double)count / (classes.Count * rowsOfClass.Count()));
        return new ClassWeights(weights);
    }

    /// <summary>The rows with their label sequences weighted.</summary>
    /// <param name="rows">The rows.</param>
    /// <exception cref="InputException">A row has a label without a weight.</exception>
    public IReadOnlyList<TrainingRow> Apply(IReadOnlyList<TrainingRow> rows) => [.. rows.Select(row =>
    {
        if (row.Label is not { } label) return row;
        if (!_weights.TryGetValue(label, out var weight))
            throw new InputException(
                $"row {row.Id}: label \"{InputText.Show(label)}\" has no class weight; expected one of {Names(_weights.Keys)}");
        return row with { Sequences = [.. row.Sequences.Select(s => s.Part == LossPart.Label ? s with { Weight = weight } : s)] };
    })];

    private static JsonObject Parse(string path)
    {
        try
        {
            return JsonNode.Parse(File.ReadAllText(path)) as JsonObject ?? throw new JsonException("expected an object");
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            var message = e.Message.ReplaceLineEndings(" ");
            throw new InputException(
                $"--class-weights {path}: expected {None}, {Balanced}, or a file with a JSON object of weights by label: {message}", e);
        }
    }

    private static IEnumerable<(string Label, double Weight)> Read(string path, IReadOnlyList<string> labels)
    {
        Dictionary<string, JsonNode?> found;
        try
        {
            // A key that is there twice shows when the object is read.
            found = new Dictionary<string, JsonNode?>(Parse(path), StringComparer.Ordinal);
        }
        catch (ArgumentException e)
        {
            throw new InputException($"--class-weights {path}: a label is there twice", e);
        }

        var unknown = found.Keys.Except(labels, StringComparer.Ordinal).ToList();
        if (unknown.Count > 0)
            throw new InputException($"--class-weights {path}: unknown labels {Names(unknown)}; expected {Names(labels)}");
        var missing = labels.Except(found.Keys, StringComparer.Ordinal).ToList();
        if (missing.Count > 0) throw new InputException($"--class-weights {path}: no weight for {Names(missing)}");
        foreach (var (label, node) in found)
        {
            if (node is not JsonValue value || !value.TryGetValue<double>(out var weight) || !(weight > 0) || !double.IsFinite(weight))
                throw new InputException(
                    $"--class-weights {path}: label \"{InputText.Show(label)}\": "
                    + $"expected a number above 0, found {node?.ToJsonString() ?? "null"}");
            yield return (label, weight);
        }
    }

    private static string Names(IEnumerable<string> labels) => string.Join(", ", labels.Select(l => $"\"{InputText.Show(l)}\""));
}
