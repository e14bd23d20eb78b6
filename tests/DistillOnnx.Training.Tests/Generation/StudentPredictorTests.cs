using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.Tests.T5;

namespace DistillOnnx.Training.Tests.Generation;

/// <summary>Prediction from a checkpoint directory, on a reference model with its tokenizer.</summary>
public sealed class StudentPredictorTests : IDisposable
{
    private static readonly TaskSpec Closed =
        new() { Name = "nli", Kind = TaskKind.Labels, Labels = ["entailment", "neutral", "contradiction"] };
    private static readonly TaskSpec Choices = new() { Name = "cqa", Kind = TaskKind.Choices };
    private static readonly TaskSpec Open = new() { Name = "open", Kind = TaskKind.Text, MaxLabelTokens = 5 };
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("distillonnx-test-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Predict_ClosedSet_SumsToOneAndDoesNotDependOnTheBatch()
    {
        using var student = OpenStudent(Closed);
        var inputs = Enumerable.Range(0, 9)
            .Select(i => new PredictorInput(string.Join(' ', Enumerable.Repeat("a man eats", 1 + 7 * i % 5)))).ToList();
        var together = student.Predict(inputs);
        for (var i = 0; i < inputs.Count; i++)
        {
            var alone = student.Predict([inputs[i]])[0];
            Assert.Equal(alone.Label, together[i].Label);
            Assert.Equal(alone.InputTokens, together[i].InputTokens);
            Assert.Equal(1, together[i].Probabilities!.Sum(), 9);
            Assert.Equal(together[i].Probability, together[i].Probabilities![Array.IndexOf([.. Closed.Labels!], together[i].Label)]);
            for (var k = 0; k < 3; k++) Assert.Equal(alone.RawLogProbabilities![k], together[i].RawLogProbabilities![k], 1e-4);
        }
    }

    [Fact]
    public void Predict_ChoicesPerInput_AnswersFromThem()
    {
        using var student = OpenStudent(Choices);
        var answers = student.Predict([new("where is it?", ["shop", "the old house"]), new("what?", ["cat", "dog", "cow"])]);
        Assert.Contains(answers[0].Label, (string[])["shop", "the old house"]);
        Assert.Equal(3, answers[1].Probabilities!.Count);
        Assert.Throws<InputException>(() => student.Predict([new("where is it?")]));
    }

    [Fact]
    public void Predict_OpenTask_DecodesAndRefusesChoices()
    {
        using var student = OpenStudent(Open);
        var answer = Assert.Single(student.Predict([new("how many?")]));
        Assert.NotNull(answer.Label);
        Assert.Null(answer.Probabilities);
        Assert.Throws<InputException>(() => student.Predict([new("how many?", ["1", "2"])]));
        Assert.Empty(student.Predict([]));
    }

    [Fact]
    public void Predict_LongInput_IsCutAndSaysSo()
    {
        using var student = OpenStudent(Closed with { MaxInputTokens = 8 });
        var answer = student.Predict([new("a long input that does not fit into eight tokens in any way")])[0];
        Assert.True(answer.Truncated);
        Assert.Equal(8, answer.InputTokens);
    }

    private StudentPredictor OpenStudent(TaskSpec task)
    {
        using var golden = new Golden("t5-v1.0-tiny-fit");
        golden.Model.SaveWeights(Path.Combine(_directory.FullName, CheckpointFiles.Weights));
        CheckpointFiles.WriteConfig(_directory.FullName, golden.Model.Config);
        T5Tokenizer.Load(golden.Directory).Save(_directory.FullName);
        task.Save(_directory.FullName);
        return StudentPredictor.Open(_directory.FullName, "cpu");
    }
}
