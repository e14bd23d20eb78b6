using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Data;
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
    [InlineData("{\"input\":[\"b\"]}", "\"input\": expected a string, found an array")]
    [InlineData("{\"input\":\"\\ud800\"}", "expected Unicode text")]
    [InlineData("{\"input\":\"b\",\"choices\":\"x|y\"}", "\"choices\": expected an array of strings")]
    [InlineData("{\"input\":\"\uFFFF", "expected UTF-8 text, found bytes that are not")]
    public void Read_LineThatIsNoRow_IsNamed(string line, string message)
    {
        // Two bytes that stand in no UTF-8 text take the place of the one character that no row has.
        var bytes = Encoding.Latin1.GetBytes("{\"input\":\"a\"}\n" + line.Replace("\uFFFF", "\u00C3(", StringComparison.Ordinal));

        var fault = Assert.Throws<InputException>(() => InputRows.Read(new MemoryStream(bytes), "rows", RowShard.Whole).ToList());

        Assert.StartsWith("rows: row 2: " + message, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', fault.Message);
    }

    private static List<(string Id, Core.Prediction.PredictorInput Input)> Read(string lines, RowShard? shard = null) =>
        [.. InputRows.Read(new MemoryStream(Encoding.UTF8.GetBytes(lines)), "rows", shard ?? RowShard.Whole)];
}
