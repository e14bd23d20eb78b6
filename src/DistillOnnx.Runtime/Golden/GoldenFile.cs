using System.Text.Encodings.Web;
using System.Text.Json;
using DistillOnnx.Core;

namespace DistillOnnx.Runtime.Golden;

/// <summary><c>golden.jsonl</c>: inputs with the answers that any runtime must give, one JSON object a line.</summary>
public static class GoldenFile
{
    /// <summary>The file's name within a bundle.</summary>
    public const string FileName = "golden.jsonl";

    private static readonly GoldenJsonContext Json = new(new JsonSerializerOptions(GoldenJsonContext.Default.Options)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>Reads the rows of a bundle.</summary>
    /// <param name="bundleDirectory">The bundle directory.</param>
    /// <exception cref="InputException">The file is missing, or a line of it is no golden row.</exception>
    public static IReadOnlyList<GoldenRow> Read(string bundleDirectory)
    {
        var path = Path.Combine(bundleDirectory, FileName);
        if (!File.Exists(path)) throw new InputException($"{path}: no such file; the bundle cannot be checked");
        var rows = new List<GoldenRow>();
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line)) continue;
            try
            {
                rows.Add(JsonSerializer.Deserialize(line, Json.GoldenRow) ?? throw new JsonException("null"));
            }
            catch (JsonException e)
            {
                throw new InputException($"{path}:{number}: not a golden row: {e.Message.ReplaceLineEndings(" ")}", e);
            }
        }

        return rows;
    }

    /// <summary>Writes rows.</summary>
    /// <param name="path">The file.</param>
    /// <param name="rows">The rows.</param>
    public static void Write(string path, IEnumerable<GoldenRow> rows)
    {
        using var writer = new StreamWriter(path) { NewLine = "\n" };
        foreach (var row in rows) writer.WriteLine(JsonSerializer.Serialize(row, Json.GoldenRow));
    }
}
