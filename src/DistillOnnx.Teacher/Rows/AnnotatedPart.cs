using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core;
using DistillOnnx.Data;

namespace DistillOnnx.Teacher.Rows;

/// <summary>The output of one part of an annotation, read in order while the whole is put together.</summary>
internal sealed class AnnotatedPart : IDisposable
{
    private readonly Dataset _dataset;
    private readonly IEnumerator<JsonLine> _provenance;
    private IEnumerator<Example>? _rows;
    private string? _split;
    private bool _more;
    private bool _moreRows;

    private AnnotatedPart(string directory, RowShard shard, JsonNode ledger)
    {
        Directory = directory;
        Shard = shard;
        Ledger = ledger;
        _dataset = Dataset.Open(directory);
        _provenance = JsonLines.Read(Path.Combine(directory, AnnotatedDataset.ProvenanceFile)).GetEnumerator();
        _more = _provenance.MoveNext();
    }

    public string Directory { get; }

    /// <summary>Which part it is.</summary>
    public RowShard Shard { get; }

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
            return new AnnotatedPart(directory, shard, report?["ledger"] ?? new JsonObject());
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
        if (_split != split)
        {
            _rows?.Dispose();
            _split = split;
            _rows = _dataset.Has(split)
                ? _dataset.Stream(split, LabelNeed.None).GetEnumerator()
                : Enumerable.Empty<Example>().GetEnumerator();
            _moreRows = _rows.MoveNext();
        }

        if (!_moreRows || _rows!.Current.Id != example.Id) return (outcome, null, line);
        var row = _rows.Current;
        if (row.Input != example.Input)
            throw new InputException($"{Directory}: row \"{example.Id}\" of {split} has another input than the dataset; annotate it again");
        _moreRows = _rows.MoveNext();
        return (outcome, row, line);
    }

    public void Dispose()
    {
        _provenance.Dispose();
        _rows?.Dispose();
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
