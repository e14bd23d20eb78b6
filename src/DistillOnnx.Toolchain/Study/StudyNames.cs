namespace DistillOnnx.Toolchain.Study;

/// <summary>Names of datasets, students and files.</summary>
internal static class StudyNames
{
    /// <summary>Splits <c>NAME=VALUE</c>; without a name, the last part of the path is it.</summary>
    public static (string Name, string Value) Parse(string text)
    {
        var at = text.IndexOf('=', StringComparison.Ordinal);
        if (at > 0) return (text[..at], text[(at + 1)..]);
        var name = Path.GetFileNameWithoutExtension(Path.TrimEndingDirectorySeparator(text));
        return (name.Length == 0 ? text : name, text);
    }

    /// <summary>A text as part of a file name.</summary>
    public static string Safe(string text) =>
        string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '+' ? c : '_'));
}
