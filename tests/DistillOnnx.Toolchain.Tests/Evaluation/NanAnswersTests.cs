using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Data;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.T5;
using TorchSharp;

namespace DistillOnnx.Toolchain.Tests.Evaluation;

/// <summary>Checkpoints whose answers are no numbers, as of weights that overflow: an evaluation names the row, measures nothing.</summary>
public sealed class NanAnswersTests
{
    [Theory]
    [InlineData(TaskKind.Labels, 0)]
    [InlineData(TaskKind.Choices, 0)]
    [InlineData(TaskKind.Text, 0)]
    [InlineData(TaskKind.Text, 1)]
    [InlineData(TaskKind.Text, 3)]
    public void Measure_RowThatIsAnsweredWithNaN_IsNamed(TaskKind kind, int explainBeams)
    {
        using var directory = new TemporaryDirectory();
        var task = new TaskSpec { Name = "tiny", Kind = kind, Labels = kind == TaskKind.Labels ? ["yes", "no"] : null, MaxLabelTokens = 4 };
        // A tied embedding would spoil a logit of every answer, too.
        var config = RandomCheckpoint.Uneven with { TieWordEmbeddings = false };
        RandomCheckpoint.Write(directory["checkpoint"], config, task, seed: 3, TinyTokenizer.SpieceModel);
        using var checkpoint = Checkpoint.Open(directory["checkpoint"]);
        using var model = T5Model.Load(checkpoint);
        var tokenizer = T5Tokenizer.Load(directory["checkpoint"]);
        using var student = new StudentPredictor(model, new InputEncoder(tokenizer, task));
        var rows = ((string[])["it is", "is it", "it ~ is", "a"])
            .Select(text => new Example
            {
                Id = text,
                Input = text,
                Label = "no",
                Choices = kind == TaskKind.Choices ? ["yes", "no"] : null,
            })
            .ToArray();
        var explain = explainBeams == 0 ? null : new ExplainSettings { Beams = explainBeams, MaxTokens = 3 };
        EvaluateResult Measure(params Example[] of) =>
            new Measurement(task, of) { BatchSize = 3, Explain = explain }.Of(student, TestContext.Current.CancellationToken);

        using (torch.no_grad())
        {
            model.named_parameters().Single(p => p.name == "shared.weight").parameter[tokenizer.Encode("~", appendEos: false)[^1]]
                .fill_(float.NaN);
        }

        var fault = Assert.Throws<InferenceException>(() => Measure(rows));

        Assert.StartsWith("row it ~ is: ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("no numbers", fault.Message, StringComparison.Ordinal);
        Assert.Equal(3, Measure(rows[0], rows[1], rows[3]).Rows);
    }
}
