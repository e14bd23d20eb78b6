using System.Text.Json.Nodes;

namespace DistillOnnx.Cli.Tests;

public sealed class EvaluateTests : IDisposable
{
    private readonly TrainingTask _task = new();

    public void Dispose() => _task.Dispose();

    [Fact]
    public async Task Evaluate_BelowTheGate_PrintsTheResultAndEndsWithOne()
    {
        // A student of one step does not have every row right.
        var trained = await DistillProcess.Run(_task.Train("student", steps: 1));
        Assert.True(trained.ExitCode == 0, trained.Error);
        string[] evaluate = [
            "evaluate", "--data", _task["data"], "--model", _task["student"], "--split", "validation",
            "--fail-under", "macro_f1=1", "accuracy=0",
        ];

        var (code, output, error) = await DistillProcess.Run([.. evaluate, "--json"]);

        Assert.Equal(1, code);
        var result = JsonNode.Parse(output)!;
        Assert.InRange((double)result["macro_f1"]!, 0, 0.999);
        Assert.Contains("is below the gate of 1", error, StringComparison.Ordinal);
        Assert.DoesNotContain("precision  recall", error, StringComparison.Ordinal);

        (code, output, error) = await DistillProcess.Run(evaluate);

        Assert.Equal(1, code);
        Assert.Contains("macro_f1 ", output, StringComparison.Ordinal);
        Assert.Contains("precision  recall", error, StringComparison.Ordinal);
    }
}
