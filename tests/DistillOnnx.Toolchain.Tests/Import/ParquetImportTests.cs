using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Import;
using Parquet;
using Parquet.Schema;

namespace DistillOnnx.Toolchain.Tests.Import;

/// <summary>Of a Parquet file only the columns that are imported are read, whatever their type and however many rows a group has.</summary>
public sealed class ParquetImportTests : IDisposable
{
    private const string Task = """{"name":"t","kind":"labels","labels":["yes","no"]}""";

    private readonly string _work = Directory.CreateTempSubdirectory("parquet-").FullName;

    public void Dispose() => Directory.Delete(_work, recursive: true);

    [Theory]
    [InlineData(3, 2)]
    [InlineData(50_001, 50_001)]
    public async Task Import_SeveralFilesAndGroups_GivesTheRowsInOrder(int rows, int group)
    {
        await WriteAsync("train-00000-of-00002.parquet", 0, rows, group);
        await WriteAsync("train-00001-of-00002.parquet", rows, 2, 2);

        Import(o => o with { LabelIndex = true, Column = ["input=text", "id=number"], Unlabelled = true });

        var read = Dataset.Open(Path.Combine(_work, "out")).Load("train", LabelNeed.None);
        Assert.Equal(rows + 2, read.Count);
        Assert.Equal(Enumerable.Range(0, rows + 2).Select(Row), read.Select(r => (r.Id, r.Input, r.Label)));
    }

    [Fact]
    public async Task Import_ColumnThatIsNotThere_IsSaidOnceWithThoseThatAre()
    {
        await WriteAsync("train.parquet", 0, 3, 3);

        var fault = Assert.Throws<InputException>(() => Import(o => o with { LabelIndex = true }));

        Assert.EndsWith(
            "has no column \"input\", only number, text, label, right; --column input=COLUMN names another one",
            fault.Message,
            StringComparison.Ordinal);
    }

    private static (string Id, string Input, string? Label) Row(int row) =>
        ($"{row}", $"text {row} é", row % 3 == 2 ? null : row % 3 == 0 ? "yes" : "no");

    private async Task WriteAsync(string name, int start, int rows, int group)
    {
        var (number, text, label, right) = (
            new DataField<long>("number"), new DataField<string>("text"), new DataField<int?>("label"), new DataField<bool>("right"));
        await using var file = File.Create(Path.Combine(_work, name));
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(number, text, label, right), file);
        for (var at = 0; at < rows; at += group)
        {
            using var rowGroup = writer.CreateRowGroup();
            int[] numbers = [.. Enumerable.Range(start + at, Math.Min(group, rows - at))];
            await rowGroup.WriteAsync<long>(number, numbers.Select(n => (long)n).ToArray());
            await rowGroup.WriteAsync(text, [.. numbers.Select(n => Row(n).Input)]);
            await rowGroup.WriteAsync<int>(label, numbers.Select(n => (int?)(n % 3 == 2 ? n % 2 == 0 ? null : -1 : n % 3)).ToArray());
            await rowGroup.WriteAsync<bool>(right, numbers.Select(n => n % 2 == 0).ToArray());
        }
    }

    private void Import(Func<ImportOptions, ImportOptions> change)
    {
        var task = Path.Combine(_work, "task.json");
        File.WriteAllText(task, Task);
        var options = new ImportOptions { Source = "parquet", From = [_work], Task = task, Out = Path.Combine(_work, "out") };
        DatasetImporter.Import(change(options), Reporter.None, TestContext.Current.CancellationToken);
    }
}
