using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Teacher.Rows;

/// <summary>The rows of a dataset that a run is about, streamed in order, as often as they are needed.</summary>
/// <param name="dataset">The dataset.</param>
/// <param name="options">Splits, limit and shard.</param>
internal sealed class RowSource(Dataset dataset, AnnotateOptions options)
{
    private readonly RowShard _shard = options.Shard is { } text && RowShard.TryParse(text) is { } shard ? shard : RowShard.Whole;

    /// <summary>The splits to annotate that are there.</summary>
    public IReadOnlyList<string> Splits { get; } =
        dataset.Splits.Where(s => options.AnnotatedSplits.Contains(s, StringComparer.Ordinal)).ToList() is { Count: > 0 } found
            ? found
            : throw new InputException(
                $"{dataset.Path}: expected one of the splits {string.Join(", ", options.AnnotatedSplits)}, found "
                + $"{string.Join(", ", dataset.Splits)}");

    /// <summary>A split's rows; of those to annotate, only the part that the run is about.</summary>
    public IEnumerable<Example> Rows(string split) =>
        Splits.Contains(split, StringComparer.Ordinal) ? Part(split) : dataset.Stream(split, LabelNeed.None);

    /// <summary>All rows to annotate.</summary>
    public IEnumerable<(string Split, Example Example)> ToAnnotate() => Splits.SelectMany(s => Rows(s).Select(e => (s, e)));

    private IEnumerable<Example> Part(string split)
    {
        var position = 0L;
        foreach (var example in dataset.Stream(split, LabelNeed.None))
        {
            if (position >= options.Limit) yield break;
            if (_shard.Contains(position++)) yield return example;
        }
    }
}
