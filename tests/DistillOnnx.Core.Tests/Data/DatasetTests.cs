using System.Text;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Core.Tests.Data;

public sealed class DatasetTests : IDisposable
{
    private const string Labels = """{"name":"t","kind":"labels","labels":["yes","no"]}""";
    private const string Choices = """{"name":"t","kind":"choices"}""";
    private const string Open = """{"name":"t","kind":"text","metric":"equation"}""";

    private readonly TemporaryDirectory _work = new();

    public void Dispose() => _work.Dispose();

    [Theory]
    [InlineData("", null)]
    [InlineData(" \\t\\n", null)]
    [InlineData(" why ", " why ")]
    public void Parse_BlankRationale_IsNone(string rationale, string? expected)
    {
        var row = ExampleJson.Parse(
            Encoding.UTF8.GetBytes($"{{\"input\":\"a\",\"rationale\":\"{rationale}\"}}"), "row 1", "1");

        Assert.Equal(expected, row.Rationale);
    }

    [Fact]
    public void Load_RowsWithUnknownKeysBlankLinesAndCrlf_GivesTheRows()
    {
        var dataset = Write(
            Labels,
            "{\"id\":\"a\",\"input\":\"x\",\"label\":\"yes\",\"more\":{\"deep\":[1]}}\r\n\r\n"
                + "{\"input\":\"ü\",\"label\":\"no\",\"rationale\":null}");

        var rows = dataset.Load("train");

        Assert.Equal(["a", "train-3"], rows.Select(r => r.Id));
        Assert.Equal(new Example { Id = "train-3", Input = "ü", Label = "no" }, rows[1]);
    }

    [Fact]
    public void Load_ByteOrderMark_IsPassedOver()
    {
        var dataset = Write(Labels, "\uFEFF{\"input\":\"x\",\"label\":\"yes\"}\n");

        Assert.Equal("x", Assert.Single(dataset.Load("train")).Input);
    }

    [Theory]
    [InlineData(
        Labels, """{"input":"x","label":"yes"}""" + "\n" + """{"input":"x","la""",
        "row 2: expected a JSON object, found one that is cut short")]
    [InlineData(Labels, """{"input":"x","label":"yes"} x""", "row 1: expected a JSON object, found a fault at byte 29 of 29")]
    [InlineData(Labels, """["x"]""", "row 1: expected a JSON object, found an array")]
    [InlineData(Labels, """{"input":"x","label":1}""", "row 1: \"label\": expected a string, found a number")]
    [InlineData(Labels, """{"input":"x","label":"yes","input":"y"}""", "row 1: \"input\" stands twice")]
    [InlineData(Labels, """{"label":"yes"}""", "row 1: \"input\" is missing")]
    [InlineData(Labels, """{"input":" ","label":"yes"}""", "row 1: \"input\" is empty")]
    [InlineData(Labels, """{"input":"x"}""", "row 1: \"label\" is missing")]
    [InlineData(
        Labels, """{"input":"x","label":"maybe"}""", "row 1: \"label\": expected one of the task's labels (yes, no), found \"maybe\"")]
    [InlineData(Labels, """{"input":"x","label":"yes","teacher_label":"maybe"}""", "row 1: \"teacher_label\": expected one of")]
    [InlineData(Labels, """{"input":"x","label":"yes","choices":["yes","no"]}""", "row 1: \"choices\": expected none")]
    [InlineData(
        Labels, """{"id":"a","input":"x","label":"yes"}""" + "\n" + """{"id":"a","input":"x","label":"yes"}""",
        "row 2: \"id\": expected a new one, found \"a\" a second time, first in row 1")]
    [InlineData(Labels, "\n\n", "expected at least one row, found none")]
    [InlineData(Labels, "{\"input\":\"\\ud800\",\"label\":\"yes\"}", "row 1: expected Unicode text")]
    [InlineData(Choices, """{"input":"x","label":"a"}""", "row 1: \"choices\" is missing")]
    [InlineData(
        Choices, """{"input":"x","label":"c","choices":["a","b"]}""", "row 1: \"label\": expected one of its choices (a, b), found \"c\"")]
    [InlineData(Choices, """{"input":"x","label":"a","choices":["a","a"]}""", "row 1: \"choices\" lists \"a\" more than once")]
    [InlineData(Choices, """{"input":"x","label":"a","choices":["a"]}""", "row 1: \"choices\": expected at least two, found 1")]
    [InlineData(
        Choices, """{"input":"x","label":"a","choices":["a",2]}""",
        "row 1: \"choices\": expected an array of strings, found a number in it")]
    [InlineData(
        Choices, """{"input":"x","label":"a","choices":"a|b"}""", "row 1: \"choices\": expected an array of strings, found a string")]
    [InlineData(Open, """{"input":"x","label":""}""", "row 1: \"label\" is empty")]
    public void Load_RowThatDoesNotFit_NamesFileAndRow(string task, string rows, string message)
    {
        var dataset = Write(task, rows);

        var fault = Assert.Throws<InputException>(() => dataset.Load("train"));

        Assert.StartsWith(_work["train.jsonl"] + ": " + message, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void Load_BytesThatAreNotUtf8_NamesTheRow()
    {
        var dataset = Write(Labels, "");
        File.WriteAllBytes(
            _work["train.jsonl"], [.. "{\"input\":\"x\",\"label\":\"yes\"}\n{\"input\":\""u8, 0xC3, 0x28, .. "\",\"label\":\"yes\"}"u8]);

        var fault = Assert.Throws<InputException>(() => dataset.Load("train"));

        Assert.EndsWith("row 2: expected UTF-8 text, found bytes that are not", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_LabelsNotNeeded_TakesUnlabelledRows()
    {
        var dataset = Write(Labels, """{"input":"x"}""");

        Assert.Null(Assert.Single(dataset.Load("train", LabelNeed.None)).Label);
        Assert.Throws<InputException>(() => dataset.Load("train", LabelNeed.GoldOrTeacher));
    }

    [Theory]
    [InlineData("""{"name":"t","kind":"tables"}""")]
    [InlineData("""{"name":"t","kind":"labels"}""")]
    [InlineData("""{"name":"t"}""")]
    [InlineData("{")]
    public void Open_TaskThatIsNone_NamesTheFile(string task)
    {
        var fault = Assert.Throws<InputException>(() => Write(task, "{}"));

        Assert.StartsWith(_work["task.json"], fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void Open_MissingDirectoryOrSplits_SaysSo()
    {
        Assert.Contains(
            "no such directory", Assert.Throws<InputException>(() => Dataset.Open(_work["none"])).Message, StringComparison.Ordinal);
        File.WriteAllText(_work["task.json"], Labels);
        Assert.Contains(
            "expected at least one of train.jsonl", Assert.Throws<InputException>(() => Dataset.Open(_work.Path)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Commit_NoRow_AppearsOnlyWhereThatIsAllowed()
    {
        var task = new TaskSpec { Name = "a", Kind = TaskKind.Text };
        using (var writer = DatasetWriter.Create(_work["out"], task))
            Assert.Contains("no row to write", Assert.Throws<InputException>(() => writer.Commit()).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_work["out"]));
        using (var writer = DatasetWriter.Create(_work["out"], task)) writer.Commit(allowEmpty: true);
        Assert.Equal(
            ["dataset.json", "task.json"],
            Directory.EnumerateFiles(_work["out"]).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Commit_WrittenRows_ReadBackEqualWithTheRecordedHash()
    {
        var task = new TaskSpec { Name = "t", Kind = TaskKind.Choices, SegmentSeparator = "</s>" };
        Example[] rows =
        [
            new()
            {
                Id = "1", Input = "a\u0000\u2028<b>\"é😀", Label = "x", Choices = ["x", "y"],
                Rationale = "because\nof it", TeacherLabel = "z",
            },
            new() { Id = "2", Input = "b", Label = "y", Choices = ["y", "z"] },
        ];
        using (var writer = DatasetWriter.Create(_work["out"], task))
        {
            foreach (var row in rows) writer.Write("validation", row);
            writer.Info["source"] = "test";
            writer.Commit();
        }

        var dataset = Dataset.Open(_work["out"]);
        var read = dataset.Load("validation");

        Assert.Equal(["validation"], dataset.Splits);
        Assert.Equal("</s>", dataset.Task.SegmentSeparator);
        Assert.Equivalent(rows, read, strict: true);
        Assert.Contains(
            $"\"sha256\": \"{dataset.Hash("validation")}\"", File.ReadAllText(_work["out/dataset.json"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_RowThatDoesNotFit_LeavesNothing()
    {
        using (var writer = DatasetWriter.Create(_work["out"], new TaskSpec { Name = "t", Kind = TaskKind.Text }))
        {
            writer.Write("train", new Example { Id = "1", Input = "a" });
            Assert.Contains(
                "a second time", Assert.Throws<InputException>(() => writer.Write("train", new Example { Id = "1", Input = "b" })).Message,
                StringComparison.Ordinal);
            Assert.Contains(
                "surrogate", Assert.Throws<InputException>(() => writer.Write("train", new Example { Id = "2", Input = "\ud800" })).Message,
                StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFileSystemEntries(_work.Path));
    }

    private Dataset Write(string task, string train)
    {
        File.WriteAllText(_work["task.json"], task);
        File.WriteAllText(_work["train.jsonl"], train, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        return Dataset.Open(_work.Path);
    }
}
