using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Training.Trainer;

namespace DistillOnnx.Training.Tests.Trainer;

public class TargetCheckTests
{
    [Fact]
    public void RequireLabels_LabelWithoutPiece_NamesLabelAndCharacter()
    {
        var fault = Assert.Throws<InputException>(() => Check(["a table", "a \u4e2d"]).RequireLabels());

        Assert.Contains("\"a \u4e2d\"", fault.Message, StringComparison.Ordinal);
        Assert.Contains("no piece for \"\u4e2d\"", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RequireLabels_SameIds_AreRefused() => Assert.Throws<InputException>(() => Check(["a table", " a  table"]).RequireLabels());

    [Fact]
    public void Report_SomeLabelsAndRationales_WarnsWithCountsAndExamples()
    {
        var check = Check(null);
        var reporter = new Warnings();
        Add(check, "a table", "on the table");
        Add(check, "a \u4e2d", "on \u6587 \u6587");

        check.Report("train", reporter);

        Assert.Equal(2, reporter.Texts.Count);
        Assert.Contains("1 of 2 labels", reporter.Texts[0], StringComparison.Ordinal);
        Assert.Contains("\"a \u4e2d\"", reporter.Texts[0], StringComparison.Ordinal);
        Assert.Contains("2 unknown pieces", reporter.Texts[1], StringComparison.Ordinal);
        Assert.Contains("\"\u6587\"", reporter.Texts[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Report_NoLabelCanBeWritten_IsRefused()
    {
        var check = Check(null);
        Add(check, "{ 3 }", "on the table");

        Assert.Contains(
            "none of the 1 labels", Assert.Throws<InputException>(() => check.Report("train", Reporter.None)).Message,
                StringComparison.Ordinal);
    }

    private static InputEncoder Encoder(IReadOnlyList<string>? labels) =>
        new(TinyTask.Tokenizer(), new TaskSpec { Name = "t", Kind = labels is null ? TaskKind.Text : TaskKind.Labels, Labels = labels });

    private static TargetCheck Check(IReadOnlyList<string>? labels) => new(Encoder(labels));

    private static void Add(TargetCheck check, string label, string rationale)
    {
        var encoder = Encoder(null);
        check.AddLabel(label, encoder.EncodeLabel(label));
        check.AddRationale(rationale, encoder.EncodeLabel(rationale));
    }

    private sealed class Warnings : IReporter
    {
        public List<string> Texts { get; } = [];

        public void Progress(string stage, long done, long? total, string? detail = null)
        {
        }

        public void Info(string message)
        {
        }

        public void Warn(string message) => Texts.Add(message);
    }
}
