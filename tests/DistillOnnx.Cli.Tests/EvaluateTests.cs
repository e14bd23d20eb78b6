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

    [Fact]
    public async Task Evaluate_Explain_ShowsOneRationaleALineWithItsRow()
    {
        var trained = await DistillProcess.Run(_task.Train("student", steps: 1));
        Assert.True(trained.ExitCode == 0, trained.Error);
        string[] evaluate = [
            "evaluate", "--data", _task["data"], "--model", _task["student"], "--split", "validation",
            "--explain", "--rationale-tokens", "4",
        ];

        var (code, output, error) = await DistillProcess.Run(evaluate);

        Assert.True(code == 0, error);
        var lines = output.TrimEnd().Split('\n');
        Assert.Matches("^row +gold +answered +rationale$", lines[^9]);
        Assert.All(Enumerable.Range(0, 8), i =>
            Assert.Matches($"^validation-{i} +{(i % 2 == 0 ? "fruit" : "tool")} +(fruit|tool)( |$)", lines[^(8 - i)]));
        Assert.Contains("rationales.empty", output, StringComparison.Ordinal);
        Assert.DoesNotContain("rationales.examples", output, StringComparison.Ordinal);

        (_, output, _) = await DistillProcess.Run([.. evaluate, "--json"]);

        Assert.Equal(8, JsonNode.Parse(output)!["rationales"]!["examples"]!.AsArray().Count);
    }

    [Fact]
    public async Task Predict_RowWithoutAnAnswer_WritesTheOthersAndEndsWithOne()
    {
        var trained = await DistillProcess.Run(_task.Train("student", steps: 1));
        Assert.True(trained.ExitCode == 0, trained.Error);
        File.WriteAllText(_task["rows"], """{"input": "a pear"}""" + "\n" + """{"input": " "}""" + "\n");
        string[] predict = ["predict", "--model", _task["student"], "--input", _task["rows"]];

        var (code, output, error) = await DistillProcess.Run([.. predict, "--output", _task["answers"], "--json"]);

        Assert.Equal(1, code);
        Assert.Equal(1, (int)JsonNode.Parse(output)!["failed"]!);
        Assert.Equal(2, File.ReadAllLines(_task["answers"]).Length);
        Assert.Contains("distill: " + _task["rows"] + ": 1 of 2 rows have no answer", error, StringComparison.Ordinal);

        (code, output, error) = await DistillProcess.Run(predict);

        Assert.Equal(1, code);
        Assert.Equal(2, output.TrimEnd().Split('\n').Length);
        Assert.Contains("1 of 2 rows have no answer", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Predict_ReaderThatEnds_StopsAndSaysSo()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the console's stream tells nothing there");
        var trained = await DistillProcess.Run(_task.Train("student", steps: 1));
        Assert.True(trained.ExitCode == 0, trained.Error);
        using var predict = DistillProcess.Start(["predict", "--model", _task["student"], "--batch-size", "1", "--quiet"]);
        await predict.StandardInput.WriteLineAsync("""{"input": "a pear"}""");
        await predict.StandardInput.FlushAsync();
        var answer = await predict.StandardOutput.ReadLineAsync();
        var error = predict.StandardError.ReadToEndAsync();

        // Its input stays open: only the reader's end can end it.
        predict.StandardOutput.Close();
        await predict.StandardInput.WriteLineAsync("""{"input": "a saw"}""");
        await predict.StandardInput.FlushAsync();
        await DistillProcess.WaitForExit(predict);

        Assert.NotNull(JsonNode.Parse(answer!)!["label"]);
        Assert.Equal(1, predict.ExitCode);
        Assert.StartsWith("distill: standard output: its reader has ended", await error, StringComparison.Ordinal);
    }
}
