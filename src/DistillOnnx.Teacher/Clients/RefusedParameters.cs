using System.Collections.Concurrent;

namespace DistillOnnx.Teacher.Clients;

/// <summary>Parameters that a model refused once and that are left out from then on.</summary>
internal sealed class RefusedParameters
{
    public const string Temperature =
        "temperature", TopP =
            "top_p", Seed = "seed", Stop = "stop", Format = "response_format", System = "the system role", Reasoning = "reasoning effort";

    private static readonly string[] RefusingWords = [
        "support",
        "unknown",
        "unrecognized",
        "unexpected",
        "not permitted",
        "not allowed",
        "extra input",
        "extra field",
        "only the default",
        "not enabled",
        "deprecated",
        "cannot both",
        "roles must alternate"
    ];
    private static readonly (string Name, string[] Words)[] Known =
    [
        (Temperature, ["temperature"]),
        (TopP, ["top_p"]),
        (Seed, ["'seed'", "\"seed\"", "`seed`", "seed "]),
        (Stop, ["'stop'", "\"stop\"", "`stop`", "stop_sequences", "stop sequences"]),
        (Format, ["response_format", "response format", "json_schema", "structured output", "output_format", "output_config"]),
        (Reasoning, ["reasoning", "thinking"]),
        (System,
        [
            "system role", "'system'", "\"system\"", "role system", "system message", "developer instruction", "roles must alternate",
            "user and assistant roles"
        ]),
    ];

    private readonly ConcurrentDictionary<string, byte> _names = new();
    private long _resent;

    /// <summary>Called once for each parameter; may be null.</summary>
    public Action<string>? Notice { get; set; }

    /// <summary>Whether the pending request tests if a schema is accepted: it fails where it is not.</summary>
    public bool FormatIsAsked { get; set; }

    /// <summary>Whether the pending request asked for the schema and was refused.</summary>
    public bool FormatIsDenied => FormatIsAsked && Has(Format);

    /// <summary>How many requests were sent again without what the model refused.</summary>
    public long Resent => Interlocked.Read(ref _resent);

    /// <summary>How many parameters are left out.</summary>
    public int Count => _names.Count;

    /// <summary>Whether a parameter is left out.</summary>
    public bool Has(string name) => _names.ContainsKey(name);

    /// <summary>Notes that a request is sent again.</summary>
    public void NoteResent() => Interlocked.Increment(ref _resent);

    /// <summary>Notes what an endpoint refuses.</summary>
    /// <returns>Whether it refuses a parameter that is left out by now, so that a request that still had it may be sent again.</returns>
    public bool Note(string endpoint, string message)
    {
        if (!RefusingWords.Any(w => message.Contains(w, StringComparison.OrdinalIgnoreCase))) return false;
        var known = false;
        foreach (var (name, words) in Known)
        {
            if (!words.Any(w => message.Contains(w, StringComparison.OrdinalIgnoreCase))) continue;
            known = true;
            if (!_names.TryAdd(name, 0)) continue;
            if (!FormatIsDenied) Notice?.Invoke($"{endpoint}: the model refuses {name}, which is left out from now on ({message})");
            return true;
        }

        return known;
    }
}
