using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Reports;

/// <summary>The datasets of a report, each read and hashed once, however many models are measured on it.</summary>
/// <param name="directories">The datasets that were found.</param>
/// <param name="split">The split to measure on.</param>
internal sealed class ReportDatasets(IEnumerable<string> directories, string split)
{
    private readonly string[] _directories = [.. directories];
    private readonly Dictionary<string, string> _hashes = new(StringComparer.Ordinal);
    private (string Directory, Dataset Dataset, IReadOnlyList<Example> Rows)? _last;

    /// <summary>A dataset and the rows of the split. Only the last one is kept, so that memory is that of one.</summary>
    /// <param name="directory">The dataset.</param>
    /// <exception cref="InputException">It cannot be read, or lacks the split.</exception>
    public (Dataset Dataset, IReadOnlyList<Example> Rows) Load(string directory)
    {
        if (_last is not { } last || last.Directory != directory)
        {
            var dataset = Dataset.Open(directory);
            _last = last = (directory, dataset, dataset.Load(split));
        }

        return (last.Dataset, last.Rows);
    }

    /// <summary>The dataset that a model was trained on, or the only one.</summary>
    /// <param name="training">The model's <c>training.json</c>; null: it has none.</param>
    /// <param name="others">Those of all models: a bundle does not record the dataset of its checkpoint, the checkpoints beside it
    /// do.</param>
    /// <exception cref="InputException">There is none, or several may be meant.</exception>
    public string For(JsonObject? training, IEnumerable<JsonObject?> others)
    {
        var hashes = (training is null ? others : [training])
            .Select(t => t is null ? null : TrainingSection.TrainHash(t))
            .OfType<string>()
            .ToHashSet(StringComparer.Ordinal);
        var trained = _directories.Where(d => hashes.Contains(TrainHash(d))).ToList();
        return (trained, _directories) switch
        {
            ([var one], _) => one,
            ([], [var only]) => only,
            ([], []) => throw new InputException("there is no dataset here; name one with --data"),
            _ => throw new InputException(
                $"several datasets may be meant ({string.Join(", ", trained.Count > 0 ? trained : _directories)}); name one with --data"),
        };
    }

    private string TrainHash(string directory)
    {
        if (!_hashes.TryGetValue(directory, out var hash))
            _hashes[directory] = hash = Dataset.Open(directory) is var set && set.Has(SplitNames.Train) ? set.Hash(SplitNames.Train) : "";
        return hash;
    }
}
