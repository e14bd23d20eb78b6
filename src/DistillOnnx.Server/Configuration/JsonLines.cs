using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DistillOnnx.Server.Configuration;

/// <summary>
/// Makes every line that the program writes to stderr an object of the log's form: those of the log pass as they are, and those
/// of other parts of the program, which know nothing of the log, become the message of one.
/// </summary>
internal sealed class JsonLines : TextWriter
{
    private const string Flag = "--log-json";
    private const string Config = "--config";
    private const string Warning = "warning: ";

    private readonly TextWriter _output;
    private readonly StringBuilder _line = new();

    private JsonLines(TextWriter output) => _output = output;

    /// <inheritdoc/>
    public override Encoding Encoding => _output.Encoding;

    /// <summary>
    /// Whether a command line asks for logs in JSON, also one that cannot be bound: what is wrong with it is said in that form too.
    /// </summary>
    /// <param name="args">The arguments.</param>
    /// <param name="environment">Environment variables by name.</param>
    /// <param name="verb">The verb, which is part of the names of variables and of the configuration's parts.</param>
    public static bool AreAskedFor(IReadOnlyList<string> args, IReadOnlyDictionary<string, string> environment, string verb)
    {
        if (Value(args, Flag) is { } given) return !bool.TryParse(given, out var value) || value;
        var file = Value(args, Config) ?? environment.GetValueOrDefault("DISTILL_CONFIG");
        if (file is { Length: > 0 } && InFile(file, verb) is { } set) return set;
        return bool.TryParse(environment.GetValueOrDefault($"DISTILL_{verb.ToUpperInvariant()}_LOG_JSON"), out var variable) && variable;
    }

    /// <summary>Puts this process's stderr through it, once.</summary>
    public static void Install()
    {
        if (IsInstalled) return;
        IsInstalled = true;
        Console.SetError(new JsonLines(Console.Error));
    }

    /// <summary>Whether this process's stderr goes through it.</summary>
    public static bool IsInstalled { get; private set; }

    /// <inheritdoc/>
    public override void Write(char value)
    {
        if (value == '\n') End();
        else _line.Append(value);
    }

    /// <inheritdoc/>
    public override void Write(char[] buffer, int index, int count) => Write(buffer.AsSpan(index, count));

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<char> buffer)
    {
        for (int end; (end = buffer.IndexOf('\n')) >= 0; buffer = buffer[(end + 1)..])
        {
            _line.Append(buffer[..end]);
            End();
        }

        _line.Append(buffer);
    }

    /// <inheritdoc/>
    public override void Write(string? value) => Write(value.AsSpan());

    /// <inheritdoc/>
    public override void Flush() => _output.Flush();

    /// <summary>The value of a flag; empty where it stands alone, null where it is not given.</summary>
    private static string? Value(IReadOnlyList<string> args, string flag)
    {
        for (var i = 0; i < args.Count; i++)
        {
            if (args[i].StartsWith(flag + "=", StringComparison.Ordinal)) return args[i][(flag.Length + 1)..];
            if (args[i] == flag) return i + 1 < args.Count && !args[i + 1].StartsWith("--", StringComparison.Ordinal) ? args[i + 1] : "";
        }

        return null;
    }

    // A file that cannot be read is reported when it is bound.
    private static bool? InFile(string file, string verb)
    {
        try
        {
            var options = new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
            var root = JsonNode.Parse(File.ReadAllBytes(file), documentOptions: options) as JsonObject;
            var section = root?[verb] as JsonObject ?? root;
            return (section?["log_json"] ?? section?["log-json"]) is JsonValue value
                && bool.TryParse(value.ToString(), out var set) ? set : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static bool IsObject(string line)
    {
        if (!line.StartsWith('{')) return false;
        try
        {
            using var document = JsonDocument.Parse(line);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private void End()
    {
        var line = _line.ToString().Trim('\r');
        _line.Clear();
        if (string.IsNullOrWhiteSpace(line)) return;
        if (IsObject(line)) _output.WriteLine(line);
        else if (line.StartsWith(Warning, StringComparison.Ordinal))
            _output.WriteLine(StartupLine.Json(LogLevel.Warning, line[Warning.Length..]));
        else _output.WriteLine(StartupLine.Json(LogLevel.Information, line));
    }
}
