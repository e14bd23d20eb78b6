using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Import;

namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>Headers as people write them are understood, and what is missing in one is said once.</summary>
public sealed class HeaderImportTests : IDisposable
{
    private const string Task = """{"name":"t","kind":"labels","labels":["yes","no"]}""";

    private readonly string _work = Directory.CreateTempSubdirectory("header-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Theory]
    [InlineData("\ufeff Input ;LABEL;;\nx;yes;;\n")]
    [InlineData("sep=;\ninput;label\nx;yes\n")]
    [InlineData("input;label\nx;yes;;\n")]
    public void Import_HeaderInAnotherForm_IsUnderstood(string content)
    {
        Import(content);

        var row = Assert.Single(Load());
        Assert.Equal(("x", "yes"), (row.Input, row.Label));
    }

    [Fact]
    public void Import_HeaderBelowTitles_IsTakenFromItsRow()
    {
        Import("Tickets 2026;;\n\nText ;Team;Note\n\"a\nb\";yes;\nc;maybe;\n", o => o with
        {
            HeaderRow = 3,
            Column = ["input=text", "label=team"],
            SkipBadRows = Path.Combine(_work, "skipped.jsonl"),
        });

        Assert.Equal("a\nb", Assert.Single(Load()).Input);
        Assert.Contains("row 5, column B", File.ReadAllText(Path.Combine(_work, "skipped.jsonl")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("input,team\nx,yes\ny,no\n", "has no column \"label\", only input, team; --column label=COLUMN names another one, "
        + "--unlabelled takes rows without labels")]
    [InlineData("text,label\nx,yes\ny,no\n", "has no column \"input\", only text, label; --column input=COLUMN names another one")]
    [InlineData("input,labels\nx,yes\ny,no\n", "has no column \"label\", only input, labels; did you mean labels?")]
    [InlineData(
        "All tickets,\ninput,label\nx,yes\n",
        "has no column \"input\", only All tickets; --header-row says which row names the columns")]
    [InlineData(
        "\ninput,label\nx,yes\n",
        "row 1: expected the names of the columns, found an empty row; --header-row says which row has them")]
    [InlineData(
        "input,label,label\nx,yes,yes\n",
        "row 1: column \"label\" occurs twice; rename one, or say by --header-row which row names the columns")]
    public void Import_HeaderThatLacksAColumn_SaysSoOnceAndWhatToDo(string content, string message) =>
        Assert.EndsWith(": " + message, Assert.Throws<InputException>(() => Import(content)).Message, StringComparison.Ordinal);

    [Fact]
    public void Import_NamesThatDifferByCaseAlone_AreDifferentColumns()
    {
        Import("input,Input,label\nx,y,yes\n", o => o with { Column = ["input=Input"] });

        Assert.Equal("y", Assert.Single(Load()).Input);
    }

    [Fact]
    public void Import_HeaderRowThatCannotBe_IsRefused()
    {
        Assert.Contains("--header-row: expected 1 to 1000, found 0", (Options("csv") with { HeaderRow = 0 }).Validate());
        Assert.Contains("--header-row needs csv, tsv or xlsx, found jsonl", (Options("jsonl") with { HeaderRow = 2 }).Validate());
        Assert.Contains(
            "row 9: expected the names of the columns, found an empty row",
            Assert.Throws<InputException>(() => Import("input,label\nx,yes\n", o => o with { HeaderRow = 9 })).Message,
            StringComparison.Ordinal);
    }

    private void Import(string content, Func<ImportOptions, ImportOptions>? change = null)
    {
        File.WriteAllText(Path.Combine(_work, "train.csv"), content);
        File.WriteAllText(Path.Combine(_work, "task.json"), Task);
        var options = Options("csv");
        DatasetImporter.Import(change?.Invoke(options) ?? options, Reporter.None, TestContext.Current.CancellationToken);
    }

    private ImportOptions Options(string source) => new()
    {
        Source = source,
        From = [Path.Combine(_work, "train.csv")],
        Task = Path.Combine(_work, "task.json"),
        Out = Path.Combine(_work, "out"),
    };

    private IReadOnlyList<Example> Load() => Dataset.Open(Path.Combine(_work, "out")).Load("train");
}
