using System.Text.RegularExpressions;
using DistillOnnx.Core;

namespace DistillOnnx.Teacher.Clients;

/// <summary>
/// Which teacher: <c>openai:MODEL[@URL]</c>, <c>anthropic:MODEL[@URL]</c>, <c>azure:DEPLOYMENT@URL</c>,
/// <c>ollama:MODEL[@URL]</c>, <c>genai:DIR</c> or <c>rules</c>.
/// </summary>
/// <param name="Kind">The part before the colon.</param>
/// <param name="Model">The model's name, or the directory that holds it.</param>
/// <param name="Url">Where an endpoint's paths begin, without a slash at the end.</param>
public sealed partial record TeacherSpec(string Kind, string Model, Uri? Url)
{
    private const string Expected = "openai:MODEL@URL, anthropic:MODEL, azure:DEPLOYMENT@URL, ollama:MODEL[@URL], genai:DIR or rules";

    /// <summary>The kinds that this build supports.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["openai", "anthropic", "azure", "ollama", "genai", "rules"];

    /// <summary>Where models are asked whose specification names no place.</summary>
    public static Uri DefaultUrl { get; } = new("https://api.openai.com/v1");

    internal static Uri AnthropicUrl { get; } = new("https://api.anthropic.com");

    private static Uri OllamaUrl { get; } = new("http://localhost:11434");

    /// <summary>The name that prices are listed by and tokens are counted under.</summary>
    public string Priced => Kind switch
    {
        "genai" or "ollama" => $"{Kind}:{Model}",
        "rules" => Kind,
        _ => Model,
    };

    /// <summary>Reads a specification.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="InputException">It is none.</exception>
    public static TeacherSpec Parse(string text)
    {
        if (text == "rules") return new TeacherSpec("rules", "rules", null);
        var colon = text.IndexOf(':');
        var (kind, rest) = colon < 0 ? (text, "") : (text[..colon], text[(colon + 1)..]);
        if (kind == "genai" && rest.Length > 0) return new TeacherSpec(kind, rest, null);
        if (kind is not ("openai" or "anthropic" or "azure" or "ollama") || rest.Length == 0)
            throw new InputException($"--teacher: expected {Expected}, found \"{text}\"");
        var at = rest.LastIndexOf("@http", StringComparison.Ordinal);
        if (at < 0)
        {
            // What seems to be a place must not be taken for a part of the name: the rows would go to the vendor's own service.
            if (rest.LastIndexOf('@') is >= 0 and var sign && !Version().IsMatch(rest[(sign + 1)..]))
                throw new InputException($"--teacher: expected {kind}:MODEL@URL with http:// or https://, found \"{text}\"");
            var place = kind switch { "openai" => DefaultUrl, "anthropic" => AnthropicUrl, "ollama" => OllamaUrl, _ => null };
            return new TeacherSpec(
                kind,
                rest,
                place ?? throw new InputException($"--teacher: expected azure:DEPLOYMENT@URL with the resource's URL, found \"{text}\""));
        }

        if (at == 0
            || !Uri.TryCreate(rest[(at + 1)..].TrimEnd('/'), UriKind.Absolute, out var url)
            || url.Scheme is not ("http" or "https"))
        {
            throw new InputException($"--teacher: expected {kind}:MODEL@URL with an http or https URL, found \"{text}\"");
        }
        if (url.UserInfo.Length > 0 || url.Query.Length > 0)
            throw new InputException(
                "--teacher: a secret does not belong in the URL, nor does a query; use DISTILL_ANNOTATE_API_KEY or --api-key-file");
        return new TeacherSpec(kind, rest[..at], url);
    }

    // The part of a model's name after an at sign that can be no host.
    [GeneratedRegex(@"^(?:v?\d[\d-]*|latest|default)\z")]
    private static partial Regex Version();
}
