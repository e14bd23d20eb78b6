using System.Globalization;
using System.Text;
using System.Text.Json;
using Parquet;
using Parquet.Schema;

namespace DistillOnnx.Benchmarks.Data;

/// <summary>Any number of generated rows as a user's own file: nearly all texts differ, one in fifty is there twice.</summary>
internal static class TicketRows
{
    private const int RepeatedEvery = 50;

    private static readonly string[] Labels = ["bug", "question", "request", "praise"];

    private static readonly string[] Words =
    [
        "invoice", "export", "screen", "button", "network", "printer", "licence", "update", "customer", "report", "filter", "login",
        "password", "table", "drive", "calendar", "message", "server", "window", "backup", "office", "mobile", "search", "address",
    ];

    /// <summary>What the rows ask.</summary>
    public const string Task = """{"name":"tickets","kind":"labels","labels":["bug","question","request","praise"],"metric":"text"}""";

    /// <summary>Writes comma separated rows.</summary>
    public static void WriteCsv(string path, int rows)
    {
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 16);
        file.Write("id,input,label,rationale\n");
        for (var i = 0; i < rows; i++) file.Write($"{Id(i)},\"{Text(i)}\",{Label(i)},\"{Rationale(i)}\"\n");
    }

    /// <summary>Writes JSON Lines.</summary>
    public static void WriteJsonLines(string path, int rows)
    {
        using var file = new StreamWriter(path, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 16);
        for (var i = 0; i < rows; i++)
            file.Write(JsonSerializer.Serialize(new { id = Id(i), input = Text(i), label = Label(i), rationale = Rationale(i) }) + "\n");
    }

    /// <summary>Writes Parquet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="group">Rows of a row group.</param>
    public static async Task WriteParquetAsync(string path, int rows, int group)
    {
        DataField<string>[] fields = [new("id"), new("input"), new("label"), new("rationale")];
        Func<int, string>[] values = [Id, Text, Label, Rationale];
        await using var file = File.Create(path);
        await using var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), file);
        for (var start = 0; start < rows; start += group)
        {
            using var rowGroup = writer.CreateRowGroup();
            var count = Math.Min(group, rows - start);
            for (var f = 0; f < fields.Length; f++)
                await rowGroup.WriteAsync(fields[f], [.. Enumerable.Range(start, count).Select(values[f])]);
        }
    }

    private static string Id(int row) => string.Create(CultureInfo.InvariantCulture, $"ticket-{row}");

    private static string Label(int row) => Labels[(row * 7 + row / 11) % Labels.Length];

    private static string Text(int row)
    {
        // A repeated row has the text of one before it.
        var source = row % RepeatedEvery == RepeatedEvery - 1 ? row / 2 : row;
        var text = new StringBuilder();
        var state = (ulong)source * 0x9E3779B97F4A7C15 + 1;
        for (var word = 0; word < 20; word++)
        {
            state = state * 6364136223846793005 + 1442695040888963407;
            text.Append(Words[(int)(state >> 40) % Words.Length]).Append(word == 11 ? ", " : " ");
        }

        return text.Append(CultureInfo.InvariantCulture, $"ref {source}").ToString();
    }

    private static string Rationale(int row) => string.Create(
        CultureInfo.InvariantCulture, $"the ticket {row} names a {Words[row % Words.Length]}, which is a {Label(row)}");
}
