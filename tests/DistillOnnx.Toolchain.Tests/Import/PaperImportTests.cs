using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Import;

namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>The paper's own files give the teacher accuracies that are published with them.</summary>
public sealed class PaperImportTests : IDisposable
{
    private readonly string _work = Directory.CreateTempSubdirectory("import-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Theory]
    [InlineData("svamp", "train", 800, 588, 13)]
    [InlineData("svamp", "test", 200, 148, 2)]
    [InlineData("cqa", "train", 9741, 7234, 3)]
    [InlineData("cqa", "test", 1221, 943, 0)]
    [InlineData("anli1", "validation", 1000, 668, 9)]
    [InlineData("anli1", "test", 1000, 656, 10)]
    [InlineData("esnli", "validation", 9842, 7201, 4)]
    [InlineData("esnli", "test", 9824, 7171, 0)]
    public void Import_PaperFiles_GivesPublishedTeacherAccuracy(string set, string split, long rows, long right, long unparsed)
    {
        var options = new ImportOptions
        {
            Source = $"dss:{set}",
            From = [SharedData.Require($"data/dss/{set}")],
            Out = Path.Combine(_work, set),
        };

        var result = DatasetImporter.Import(options, Reporter.None).Splits[split];

        Assert.Equal(rows, result.Rows);
        Assert.Equal(right, Math.Round(result.TeacherAccuracy!.Value * rows));
        Assert.Equal(unparsed, result.Unparsed);
        Assert.Equal(unparsed, result.UnparsedReasons!.Values.Sum());
        var loaded = Dataset.Open(options.Out).Load(split);
        Assert.Equal(rows, loaded.Count);
        Assert.Equal(unparsed, loaded.Count(e => e.TeacherLabel is null));
    }

    [Fact]
    public void Import_EsnliWithSplitFrom_HoldsOutATenthWithoutSharedPremises()
    {
        var options = new ImportOptions
        {
            Source = "dss:esnli",
            From = [SharedData.Require("data/dss/esnli")],
            Out = Path.Combine(_work, "esnli"),
            SplitFrom = "validation",
        };

        var result = DatasetImporter.Import(options, Reporter.None);

        Assert.Equal(984, result.Splits["validation"].Rows);
        Assert.Equal(9842 - 984, result.Splits["train"].Rows);
        Assert.Equal(9824, result.Splits["test"].Rows);
        Assert.Equal(9842, result.Sources!["validation"].Rows);
        var dataset = Dataset.Open(options.Out);
        var premises = dataset.Load("train").Select(Premise).ToHashSet();
        Assert.DoesNotContain(dataset.Load("validation"), e => premises.Contains(Premise(e)));

        static string Premise(Example example) => example.Input[..example.Input.IndexOf("</s>", StringComparison.Ordinal)];
    }
}
