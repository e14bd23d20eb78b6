using System.Text.Encodings.Web;
using System.Text.Json;
using DistillOnnx.Core;

namespace DistillOnnx.Server.Models;

/// <summary>A bundle named on the command line, <c>[NAME=]BUNDLE</c>.</summary>
/// <param name="Name">The name to serve it by; null: the name of its task.</param>
/// <param name="Directory">The bundle directory.</param>
internal sealed record ModelReference(string? Name, string Directory)
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether a text can name a model: it is part of URLs, metrics and health checks.</summary>
    public static bool IsName(string name) =>
        name.Length is > 0 and <= 128 && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    /// <summary>The name to serve a bundle by.</summary>
    /// <param name="task">The name of its task, which may be any text.</param>
    /// <exception cref="InputException">No name is given, and that of the task cannot name a model.</exception>
    public string NameFor(string task) => Name ?? (CanBeServed(task) ? task : throw new InputException(
        $"{Directory}: the name of its task, {JsonSerializer.Serialize(task, Readable)}, cannot name what is served: it is longer than 128 "
        + $"characters, is like a path or has control characters; name it with --model NAME={Directory}"));

    // A task's name may have spaces and other letters, which callers then write as they are, or escaped in a URL.
    private static bool CanBeServed(string task) =>
        task.Length is > 0 and <= 128 && task[0] != '.' && !task.Any(c => c is '/' or '\\' || char.IsControl(c));

    /// <summary>Reads a reference; what stands before the first <c>=</c> is the name, if it could be one.</summary>
    public static ModelReference Parse(string text)
    {
        var equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && IsName(text[..equals]) ? new(text[..equals], text[(equals + 1)..]) : new(null, text);
    }

    /// <summary>Adds what is wrong with a reference.</summary>
    public static void Check(string text, List<string> faults)
    {
        var directory = Parse(text).Directory;
        if (string.IsNullOrWhiteSpace(directory)) faults.Add($"--model {text}: expected [NAME=]BUNDLE, found no directory");
        else if (!System.IO.Directory.Exists(directory)) faults.Add($"{directory}: no such directory; expected a bundle");
    }
}
