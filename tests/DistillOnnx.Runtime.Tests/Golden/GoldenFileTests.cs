using DistillOnnx.Core;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime.Golden;

namespace DistillOnnx.Runtime.Tests.Golden;

public sealed class GoldenFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("golden").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Read_WhatWriteWrote_IsEqual()
    {
        GoldenRow[] rows =
        [
            new() { Input = "Grüße, \"世界\"\n", Choices = ["a", "b"], Label = "a", Probabilities = [0.75, 0.25] },
            new() { Input = "", Label = "3 + 4" },
        ];
        GoldenFile.Write(Path.Combine(_directory, GoldenFile.FileName), rows);
        var read = GoldenFile.Read(_directory);
        Assert.Equal(2, read.Count);
        Assert.Equal(rows[0].Input, read[0].Input);
        Assert.Equal(rows[0].Choices!, read[0].Choices!);
        Assert.Equal(rows[0].Probabilities!, read[0].Probabilities!);
        Assert.Equal(rows[1], read[1]);
    }

    [Theory]
    [InlineData("{\"input\":\"x\"")]
    [InlineData("null")]
    [InlineData("{\"input\":\"x\"}")]
    public void Read_LineThatIsNoRow_NamesFileAndLine(string line)
    {
        File.WriteAllText(Path.Combine(_directory, GoldenFile.FileName), "{\"input\":\"x\",\"label\":\"y\"}\n" + line + "\n");
        var error = Assert.Throws<InputException>(() => GoldenFile.Read(_directory));
        Assert.Contains("golden.jsonl:2", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Theory]
    [InlineData(0.7, "a", true)]
    [InlineData(0.6995, "a", true)]
    [InlineData(0.65, "a", false)]
    [InlineData(double.NaN, "a", false)]
    [InlineData(0.7, "b", false)]
    public void Compare_ProbabilityAndLabel_MustAgree(double probability, string label, bool agrees)
    {
        var fault = GoldenCheck.Compare(
            new GoldenRow { Input = "x", Label = "a", Probabilities = [0.7, 0.3] },
            new LabelPrediction { Label = label, Probabilities = [probability, 0.3] },
            GoldenCheck.Tolerance("fp32"));
        Assert.Equal(agrees, fault is null);
    }
}
