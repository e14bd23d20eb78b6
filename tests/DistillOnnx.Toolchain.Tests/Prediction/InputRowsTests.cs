using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Toolchain.Prediction;

namespace DistillOnnx.Toolchain.Tests.Prediction;

public sealed class InputRowsTests
{
    [Fact]
    public void Read_MarkCrlfAndBlankLines_ArePassedOver()
    {
        var rows = Read("\uFEFF{\"input\":\"ü\",\"id\":7}\r\n\r\n{\"text\":\"b\",\"choices\":[\"x\",\"y\"],\"label\":3}");

        Assert.Equal([("7", "ü"), ("3", "b")], rows.Select(r => (r.Id, r.Input.Text)));
        Assert.Null(rows[0].Input.Choices);
        Assert.Equal(["x", "y"], rows[1].Input.Choices);
    }

    [Fact]
    public void Read_Shards_ShareTheRows()
    {
        var lines = string.Concat(Enumerable.Range(0, 10).Select(i => $$"""{"input":"{{i}}"}""" + "\n"));

        Assert.Equal(["1", "4", "7"], Read(lines, new RowShard(1, 3)).Select(r => r.Input.Text));
    }

    [Theory]
    [InlineData("{\"input\":\"b\",", "expected a JSON object, found one that is cut short")]
    [InlineData("{\"input\":\"b\"} x", "expected a JSON object, found a fault at byte 15 of 15")]
    [InlineData("{\"input\":\"b\",\"input\":\"c\"}", "expected a JSON object, found one with a fault")]
    [InlineData("7", "expected a JSON object, found a number")]
    [InlineData("{\"label\":\"b\"}", "\"input\" is missing")]
    [InlineData("{\"input\":\"b\",\"text\":\"c\"}", "has both \"input\" and \"text\"; expected one of them")]
    [InlineData("{\"input\":[\"b\"]}", "\"input\": expected a string, found an array")]
    [InlineData("{\"input\":\"\\ud800\"}", "expected Unicode text")]
    [InlineData("{\"input\":\"b\",\"choices\":\"x|y\"}", "\"choices\": expected an array of strings")]
    [InlineData("{\"input\":\"\uFFFF", "expected UTF-8 text, found bytes that are not")]
    public void Read_LineThatIsNoRow_IsNamed(string line, string message)
    {
        // Two bytes that stand in no UTF-8 text take the place of the one character that no row has.
        var bytes = Encoding.Latin1.GetBytes("{\"input\":\"a\"}\n" + line.Replace("\uFFFF", "\u00C3(", StringComparison.Ordinal));

        var fault = Assert.Throws<InputException>(
            () => InputRows.Read(new MemoryStream(bytes), "rows", RowShard.Whole, Reporter.None).ToList());

        Assert.StartsWith("rows: row 2: " + message, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    [Fact]
    public void Read_UnknownKeys_AreNamedOnce()
    {
        var messages = new RecordedMessages();

        Read(
            """
            {"input":"a","id":"1","choices":["x","y"],"label":"x","rationale":"r","teacher_label":"x"}
            {"input":"b","Choises":["x","y"],"source":7}
            {"text":"c","source":8}
            """,
            reporter: messages);

        Assert.Equal(
            [
                "rows: row 2: unknown key \"Choises\" is passed over; did you mean choices?",
                "rows: row 2: unknown key \"source\" is passed over",
            ],
            messages.Warnings);
    }

    [Fact]
    public void Read_MoreUnknownKeysThanAnyoneReads_AreNotAllNamed()
    {
        var messages = new RecordedMessages();

        Read(string.Concat(Enumerable.Range(0, 100).Select(i => $$"""{"input":"a","key-{{i}}":1}""" + "\n")), reporter: messages);

        Assert.Equal(21, messages.Warnings.Count);
        Assert.Equal("rows: row 21: more unknown keys; they are passed over, too, and not named", messages.Warnings[^1]);
    }

    [Theory]
    [InlineData("{\"input\":\"a\",\"id\":\"q\"}\n\n{\"input\":\"b\",\"id\":\"q\"}", "rows: row 3", "q", 1)]
    [InlineData("{\"input\":\"a\"}\n{\"input\":\"b\"}\n{\"input\":\"c\",\"id\":2}", "rows: row 3", "2", 2)]
    public void Read_IdOfAnEarlierRow_IsRefusedAndBothRowsAreNamed(string lines, string where, string id, int first)
    {
        var fault = Assert.Throws<InputException>(() => Read(lines));

        Assert.Equal($"{where}: \"id\": expected a new one, found \"{id}\" a second time, first in row {first}", fault.Message);
    }

    private static List<(string Id, Core.Prediction.PredictorInput Input)> Read(
        string lines, RowShard? shard = null, IReporter? reporter = null) =>
        [.. InputRows.Read(
            new MemoryStream(Encoding.UTF8.GetBytes(lines)), "rows", shard ?? RowShard.Whole, reporter ?? Reporter.None)];
}
