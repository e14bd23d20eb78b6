using System.Text.Json;
using System.Text.Json.Nodes;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Teacher.Rows;

/// <summary>
/// Writes the annotated rows in the dataset's order, and beside them where each came from (<c>provenance.jsonl</c>), which
/// could not be had (<c>failed.jsonl</c>, rows as they were, with the fault) and a report with counts and examples.
/// </summary>
internal sealed class AnnotatedDataset : IDisposable
{
    public const string ProvenanceFile = "provenance.jsonl";
    public const string FailedFile = "failed.jsonl";
    public const string ReportFile = "annotation.json";

    private static readonly JsonWriterOptions Writing = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
    private readonly DatasetWriter _writer;
    private readonly FileStream _provenance;
    private readonly FileStream _failed;
    private readonly AnnotateOptions _options;

    public AnnotatedDataset(TaskSpec task, AnnotateOptions options)
    {
        _options = options;
        _writer = DatasetWriter.Create(options.Out, task, options.Overwrite);
        _provenance = File.Create(_writer.FilePath(ProvenanceFile));
        _failed = File.Create(_writer.FilePath(FailedFile));
    }

    /// <summary>Content of <c>dataset.json</c>.</summary>
    public JsonObject Info => _writer.Info;

    /// <summary>Takes over a row that was annotated before.</summary>
    public void Take(string split, Example example, Example? row, RowOutcome outcome, ReadOnlySpan<byte> provenance)
    {
        if (row is not null) _writer.Write(split, row);
        if (outcome.Verdict is RowVerdict.Failed or RowVerdict.Unparsable or RowVerdict.Cut)
            Line(_failed, j => Failed(j, split, example, outcome));
        _provenance.Write(provenance);
        _provenance.WriteByte((byte)'\n');
    }

    /// <summary>Copies a row of a split that is not annotated.</summary>
    public void Copy(string split, Example example) => _writer.Write(split, example);

    /// <summary>Writes a row and what became of it.</summary>
    public void Write(string split, Example example, RowOutcome outcome)
    {
        if (outcome.Verdict is RowVerdict.Failed or RowVerdict.NotAsked or RowVerdict.Unparsable or RowVerdict.Cut)
            Line(_failed, j => Failed(j, split, example, outcome));
        Line(_provenance, j => Provenance(j, split, example, outcome));
        if (outcome.Verdict != RowVerdict.Kept && _options.DropRows) return;
        _writer.Write(split, example with { Rationale = outcome.Rationale, TeacherLabel = outcome.Label });
    }

    /// <summary>Writes the report and puts the dataset in place.</summary>
    public void Commit(JsonObject report)
    {
        using (var stream = File.Create(_writer.FilePath(ReportFile)))
        {
            using (var json = new Utf8JsonWriter(stream, Writing with { Indented = true, NewLine = "\n" })) report.WriteTo(json);
            stream.WriteByte((byte)'\n');
        }

        _provenance.Dispose();
        _failed.Dispose();
        // Where no row was kept and dropped ones are left out, the other files say why.
        _writer.Commit(allowEmpty: true);
    }

    public void Dispose()
    {
        _provenance.Dispose();
        _failed.Dispose();
        _writer.Dispose();
    }

    private static void Line(Stream stream, Action<Utf8JsonWriter> write)
    {
        using (var json = new Utf8JsonWriter(stream, Writing)) write(json);
        stream.WriteByte((byte)'\n');
    }

    private void Provenance(Utf8JsonWriter json, string split, Example example, RowOutcome outcome)
    {
        json.WriteStartObject();
        json.WriteString("id", example.Id);
        json.WriteString("split", split);
        json.WriteString("verdict", SplitTally.Name(outcome.Verdict));
        if (outcome.Label is not null) json.WriteString("label", outcome.Label);
        if (outcome.Model is not null) json.WriteString("model", outcome.Model);
        json.WriteString("prompt_sha256", outcome.PromptHash);
        json.WriteStartObject("parameters");
        json.WriteNumber("samples", _options.Samples);
        json.WriteNumber("temperature", _options.Temperature ?? (_options.Samples > 1 ? 0.7 : 0));
        json.WriteNumber("max_output_tokens", _options.MaxOutputTokens);
        json.WriteEndObject();
        json.WriteNumber("vote_share", Math.Round(outcome.VoteShare, 6));
        if (outcome.Rationalized) json.WriteBoolean("rationalized", true);
        if (outcome.Mapped) json.WriteBoolean("mapped", true);
        if (outcome.RawAnswer is not null) json.WriteString("raw_answer", outcome.RawAnswer);
        json.WriteNumber("input_tokens", outcome.InputTokens);
        json.WriteNumber("output_tokens", outcome.OutputTokens);
        if (outcome.Fault is not null) json.WriteString("fault", outcome.Fault);
        json.WriteEndObject();
    }

    private static void Failed(Utf8JsonWriter json, string split, Example example, RowOutcome outcome)
    {
        json.WriteStartObject();
        json.WriteString("id", example.Id);
        json.WriteString("input", example.Input);
        if (example.Label is not null) json.WriteString("label", example.Label);
        if (example.Choices is not null)
        {
            json.WriteStartArray("choices");
            foreach (var choice in example.Choices) json.WriteStringValue(choice);
            json.WriteEndArray();
        }

        json.WriteString("split", split);
        json.WriteString("fault", outcome.Fault ?? SplitTally.Name(outcome.Verdict));
        if (outcome.RawAnswer is not null) json.WriteString("raw_answer", outcome.RawAnswer);
        json.WriteEndObject();
    }
}
