using DistillOnnx.Core.Prediction;
using DistillOnnx.Edge;
using DistillOnnx.Runtime.Tests.Fixtures;

namespace DistillOnnx.Runtime.Tests.Edge;

public sealed class LineLabellerTests
{
    [Fact]
    public void Run_LinesOfText_AnswersEachInOrder()
    {
        using var bundle = TinyBundle.Create(TinyBundle.LabelTask, Export.GraphSet.Label);
        using var predictor = bundle.Open();
        using var answers = new StringWriter { NewLine = "\n" };
        new LineLabeller(predictor).Run(new StringReader("is it\nno\n"), answers);
        var lines = answers.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.StartsWith(predictor.Predict([new PredictorInput("is it")])[0].Label + "\t0.", lines[0], StringComparison.Ordinal);
        Assert.StartsWith(predictor.Predict([new PredictorInput("no")])[0].Label + "\t0.", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Run_ChoicesAfterTabs_AnswersOneOfThem()
    {
        using var bundle = TinyBundle.Create(TinyBundle.ChoiceTask, Export.GraphSet.Label);
        using var predictor = bundle.Open();
        using var answers = new StringWriter { NewLine = "\n" };
        new LineLabeller(predictor).Run(new StringReader("where is it?\tthe cat\tnothing"), answers);
        Assert.Contains(answers.ToString().Split('\t')[0], (string[])["the cat", "nothing"]);
    }
}
