using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Quickstart;
using DistillOnnx.Toolchain.World;

namespace DistillOnnx.Toolchain.Tests.Quickstart;

public sealed class QuickstartDatasetTests : IDisposable
{
    private readonly TemporaryDirectory _work = new();

    public void Dispose() => _work.Dispose();

    [Fact]
    public void Generate_Rows_HaveNoReasonsAndAreAnsweredByTheRules()
    {
        QuickstartDataset.Generate(_work["a"], rows: 300, seed: 3);

        var dataset = Dataset.Open(_work["a"]);
        var rows = dataset.Splits.SelectMany(s => dataset.Load(s)).ToList();

        Assert.Equal(300, dataset.Load("train").Count);
        Assert.All(rows, row => Assert.Equal(row.Label, WorldRules.Answer(row.Input)?.Label));
        Assert.All(rows, row => Assert.Null(row.Rationale));
        Assert.All(rows, row => Assert.Null(row.TeacherLabel));
        Assert.Equal([1, 2], rows.Select(r => WorldText.Read(r.Input)!.Depth).Distinct().Order());
    }

    [Fact]
    public void Generate_ExistingOutput_IsReplacedOnlyWhenAsked()
    {
        QuickstartDataset.Generate(_work["a"], rows: 100, seed: 3);

        Assert.Throws<InputException>(() => QuickstartDataset.Generate(_work["a"], rows: 50, seed: 3));
        QuickstartDataset.Generate(_work["a"], rows: 50, seed: 3, overwrite: true);

        Assert.Equal(50, Dataset.Open(_work["a"]).Load("train").Count);
    }
}
