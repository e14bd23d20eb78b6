using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Teacher.Rows;

/// <summary>The output of one part of an annotation, read in order while the whole is put together.</summary>
internal sealed class AnnotatedPart : IDisposable
{
    // Null where the part left out every row that it was asked about.
    private readonly Dataset? _dataset;
    private readonly IEnumerator<JsonLine> _provenance;
    private IEnumerator<Example>? _rows;
    private string? _split;
    private bool _more;
    private bool _moreRows;

    private AnnotatedPart(string directory, RowShard shard, string teacher, JsonNode ledger)
    {
        Directory = directory;
        Shard = shard;
        Teacher = teacher;
        Ledger = ledger;
        _dataset = SplitNames.All.Any(s => File.Exists(Path.Combine(directory, SplitNames.FileName(s)))) ? Dataset.Open(directory) : null;
        _provenance = JsonLines.Read(Path.Combine(directory, AnnotatedDataset.ProvenanceFile)).GetEnumerator();
        _more = _provenance.MoveNext();
    }

    public string Directory { get; }

    /// <summary>Which part it is.</summary>
    public RowShard Shard { get; }

    /// <summary>Who was asked.</summary>
    public string Teacher { get; }

    /// <summary>What its run counted.</summary>
    public JsonNode Ledger { get; }

    /// <summary>Whether a line of provenance is left.</summary>
    public bool More => _more;

    /// <summary>Opens the output of a part.</summary>
    /// <exception cref="InputException">It is none.</exception>
    public static AnnotatedPart Open(string directory)
    {
        try
        {
            var info = JsonNode.Parse(File.ReadAllBytes(Path.Combine(directory, DatasetWriter.InfoFileName)));
            var report = JsonNode.Parse(File.ReadAllBytes(Path.Combine(directory, AnnotatedDataset.ReportFile)));
            if ((string?)info?["shard"] is not { } text || RowShard.TryParse(text) is not { } shard)
                throw new InputException($"{directory}: expected the output of annotate --shard I/N, found one of all rows");
            return new AnnotatedPart(directory, shard, (string?)info["teacher"] ?? "", report?["ledger"] ?? new JsonObject());
        }
        catch (Exception e) when (e is IOException or JsonException or InvalidOperationException or UnauthorizedAccessException)
        {
            throw new InputException($"{directory}: expected the output of annotate --shard I/N: {e.Message}", e);
        }
    }

    /// <summary>Takes the next row, which must be this one.</summary>
    /// <returns>The outcome, the row where it was kept in the data, and the line of provenance.</returns>
    /// <exception cref="InputException">The part has another row there, or none.</exception>
    public (RowOutcome Outcome, Example? Row, byte[] Provenance) Next(string split, Example example)
    {
        if (!_more) throw Missing(split, example);
        var line = _provenance.Current.Utf8.ToArray();
        var outcome = Read(line, split, example);
        _more = _provenance.MoveNext();
        Enter(split);
        if (!_moreRows || _rows!.Current.Id != example.Id)
        {
            // Dropped rows may be left out, kept ones may not.
            if (outcome.Verdict == RowVerdict.Kept) throw Missing(split, example);
            return (outcome, null, line);
        }

        var row = _rows.Current;
        if (row.Input != example.Input)
            throw new InputException($"{Directory}: row \"{example.Id}\" of {split} has another input than the dataset; annotate it again");
        _moreRows = _rows.MoveNext();
        return (outcome, row, line);
    }

    /// <summary>Takes the next row of a split that is not annotated, which every part has whole.</summary>
    /// <exception cref="InputException">The part has another row there, or none.</exception>
    public void RequireCopy(string split, Example example)
    {
        Enter(split);
        if (!_moreRows || !Same(_rows!.Current, example))
            throw new InputException(
                $"{Directory}: row \"{example.Id}\" of {split} is missing or not as in the dataset, though {split} is copied as it is; "
                + $"run part {Shard} again");
        _moreRows = _rows.MoveNext();
    }

    /// <summary>Holds that no row of a split is left.</summary>
    /// <exception cref="InputException">One is.</exception>
    public void RequireEnd(string split)
    {
        Enter(split);
        if (_moreRows)
            throw new InputException(
                $"{Directory}: row \"{_rows!.Current.Id}\" of {split} is none of the dataset's, or out of order; run part {Shard} again");
    }

    public void Dispose()
    {
        _provenance.Dispose();
        _rows?.Dispose();
    }

    private static bool Same(Example a, Example b) => a with { Choices = null } == b with { Choices = null }
        && (a.Choices ?? []).SequenceEqual(b.Choices ?? [], StringComparer.Ordinal);

    private void Enter(string split)
    {
        if (_split == split) return;
        _rows?.Dispose();
        _split = split;
        _rows = _dataset is { } dataset && dataset.Has(split)
            ? dataset.Stream(split, LabelNeed.None).GetEnumerator()
            : Enumerable.Empty<Example>().GetEnumerator();
        _moreRows = _rows.MoveNext();
    }

    private RowOutcome Read(byte[] line, string split, Example example)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.GetProperty("id").GetString() != example.Id || root.GetProperty("split").GetString() != split)
                throw Missing(split, example);
            var verdict = Enum.GetValues<RowVerdict>().First(v => SplitTally.Name(v) == root.GetProperty("verdict").GetString());
            if (verdict == RowVerdict.NotAsked)
                throw new InputException($"{Directory}: row \"{example.Id}\" of {split} was not asked; run part {Shard} again");
            return new RowOutcome
            {
                Verdict = verdict,
                PromptHash = root.GetProperty("prompt_sha256").GetString()!,
                Label = root.TryGetProperty("label", out var label) ? label.GetString() : null,
                VoteShare = root.GetProperty("vote_share").GetDouble(),
                Rationalized = root.TryGetProperty("rationalized", out var rationalized) && rationalized.GetBoolean(),
                Mapped = root.TryGetProperty("mapped", out var mapped) && mapped.GetBoolean(),
                RawAnswer = root.TryGetProperty("raw_answer", out var raw) ? raw.GetString() : null,
                Fault = root.TryGetProperty("fault", out var fault) ? fault.GetString() : null,
            };
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new InputException($"{Path.Combine(Directory, AnnotatedDataset.ProvenanceFile)}: a line is not provenance", e);
        }
    }

    private InputException Missing(string split, Example example) =>
        new($"{Directory}: row \"{example.Id}\" of {split} is missing or out of order; run part {Shard} again");
}
