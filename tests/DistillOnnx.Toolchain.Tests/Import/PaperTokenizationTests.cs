using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Import;

namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>Every text of the paper's data sets has the ids that SentencePiece gives it, and its ids the same text.</summary>
public sealed class PaperTokenizationTests : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("tokens-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Theory]
    [InlineData("svamp", RationaleSource.Teacher)]
    [InlineData("cqa", RationaleSource.Teacher)]
    [InlineData("cqa", RationaleSource.Human)]
    [InlineData("esnli", RationaleSource.Teacher)]
    [InlineData("esnli", RationaleSource.Human)]
    [InlineData("anli1", RationaleSource.Teacher)]
    public void Encode_EveryText_EqualsSentencePiece(string set, RationaleSource rationales)
    {
        var options = new ImportOptions
        {
            Source = $"dss:{set}",
            From = [SharedData.Require($"data/dss/{set}")],
            Rationales = rationales,
            Out = Path.Combine(_work, set),
        };
        DatasetImporter.Import(options, Reporter.None);
        var dataset = Dataset.Open(options.Out);
        var separator = dataset.Task.SegmentSeparator;
        // SentencePiece reads lines, and its own end token replaces what the data sets write as text.
        var texts = dataset.Splits.SelectMany(s => dataset.Load(s)).SelectMany(Texts)
            .SelectMany(t => separator is null ? [t] : t.Split(separator)).SelectMany(t => t.Split('\n')).Distinct().ToList();
        var model = SharedData.Require("data/tokenizer");
        var tokenizer = T5Tokenizer.Load(model);

        var ids = SentencePiece.Encode(Path.Combine(model, T5Tokenizer.ModelFileName), texts);
        var decoded = SentencePiece.Decode(Path.Combine(model, T5Tokenizer.ModelFileName), ids);

        Assert.NotEmpty(texts);
        Assert.Equal(texts.Count, ids.Length);
        Assert.All(texts.Index(), t => Assert.Equal(ids[t.Index], tokenizer.Encode(t.Item, appendEos: false)));
        Assert.All(decoded.Index(), t => Assert.Equal(t.Item, tokenizer.Decode(ids[t.Index])));
    }

    private static IEnumerable<string> Texts(Example row) =>
        ((string?[])[row.Input, row.Label, row.Rationale, row.TeacherLabel, .. row.Choices ?? []]).OfType<string>();
}
