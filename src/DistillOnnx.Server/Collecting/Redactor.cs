using System.Text.RegularExpressions;
using DistillOnnx.Core;

namespace DistillOnnx.Server.Collecting;

/// <summary>Takes out of texts what must not be kept, by regular expressions.</summary>
internal sealed class Redactor
{
    private const string Mark = "[redacted]";

    // An expression that takes this long on one text is one that never ends.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);

    private readonly List<(Regex Expression, string Replacement)> _rules;

    private Redactor(List<(Regex Expression, string Replacement)> rules) => _rules = rules;

    /// <summary>Reads a file; null: nothing is taken out.</summary>
    /// <exception cref="InputException">It cannot be read, or a line is no expression.</exception>
    public static Redactor Load(string? file)
    {
        var rules = new List<(Regex, string)>();
        if (file is null) return new Redactor(rules);
        var line = 0;
        foreach (var text in Read(file))
        {
            line++;
            if (text.Length == 0 || text.StartsWith('#')) continue;
            var tab = text.IndexOf('\t', StringComparison.Ordinal);
            var (expression, replacement) = tab < 0 ? (text, Mark) : (text[..tab], text[(tab + 1)..]);
            try
            {
                rules.Add((new Regex(expression, RegexOptions.CultureInvariant | RegexOptions.Compiled, Patience), replacement));
            }
            catch (ArgumentException e)
            {
                throw new InputException($"{file}: line {line}: expected a regular expression: {e.Message}", e);
            }
        }

        return rules.Count > 0 ? new Redactor(rules) : throw new InputException($"{file}: expected regular expressions, found none");
    }

    /// <summary>Adds what is wrong with a file.</summary>
    public static void Check(string file, List<string> faults)
    {
        try
        {
            Load(file);
        }
        catch (InputException e)
        {
            faults.Add($"collect-redact: {e.Message}");
        }
    }

    /// <summary>A text without what the expressions match. Null: an expression took too long, so the text must not be kept.</summary>
    public string? Apply(string text)
    {
        try
        {
            foreach (var (expression, replacement) in _rules) text = expression.Replace(text, replacement);
            return text;
        }
        catch (RegexMatchTimeoutException)
        {
            return null;
        }
    }

    private static string[] Read(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{file}: cannot be read: {e.Message}", e);
        }
    }
}
