using DistillOnnx.Core;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Quickstart;

namespace DistillOnnx.Toolchain.Tests.Quickstart;

public sealed class QuickstartRunnerTests : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("quickstart-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Fact]
    public async Task Run_DirectoryOfSomebodyElse_IsRefusedAndUntouched()
    {
        var mine = Directory.CreateDirectory(Path.Combine(_work, "checkpoint")).FullName;

        var fault = await Assert.ThrowsAsync<InputException>(() =>
            QuickstartRunner.RunAsync(new QuickstartOptions { Out = _work }, new NoServing(), Reporter.None));

        Assert.Contains("exists already", fault.Message, StringComparison.Ordinal);
        Assert.Equal([mine], Directory.EnumerateFileSystemEntries(_work));
    }

    [Fact]
    public void IsOne_Datasets_AreDistinguished()
    {
        QuickstartDataset.Generate(Path.Combine(_work, "a"), rows: 10, seed: 1);
        File.WriteAllText(
            Path.Combine(Directory.CreateDirectory(Path.Combine(_work, "b")).FullName, "dataset.json"), """{"source":"csv"}""");
        File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(_work, "c")).FullName, "dataset.json"), "{");

        Assert.Equal([true, false, false, false], "abcd".Select(d => QuickstartDataset.IsOne(Path.Combine(_work, $"{d}"))));
    }

    private sealed class NoServing : IServingStage
    {
        public Task<ServedAnswers> AskAsync(
            string bundle, IReadOnlyList<string> texts, string device, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("nothing was to be served");
    }
}
