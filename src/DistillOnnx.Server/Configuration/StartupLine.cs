using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace DistillOnnx.Server.Configuration;

/// <summary>
/// What the program says before or instead of the server's log: a line of text, or, with logs in JSON, an object of the log's form.
/// </summary>
internal static class StartupLine
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes one line to stderr.</summary>
    /// <param name="level">The severity.</param>
    /// <param name="message">One line.</param>
    public static void Write(LogLevel level, string message) =>
        Console.Error.WriteLine(JsonLines.IsInstalled ? Json(level, message) : message);

    /// <summary>A message as an object of the log's form.</summary>
    public static string Json(LogLevel level, string message) => JsonSerializer.Serialize(
        new
        {
            Timestamp = DateTimeOffset.UtcNow.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture),
            EventId = 0,
            LogLevel = level.ToString(),
            Category = "DistillOnnx.Server",
            Message = message,
        },
        Readable);
}
