namespace DistillOnnx.Core;

/// <summary>Text out of files that nobody vouches for, made fit for a one-line message.</summary>
public static class InputText
{
    private const int Longest = 160;

    /// <summary>Cuts a text and replaces what would break a line or a terminal.</summary>
    public static string Show(string text)
    {
        var cut = text.Length > Longest;
        if (cut) text = text[..Longest];
        if (text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029'
            || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format))
            text = string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) || c is '\u2028' or '\u2029'
                || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format ? '\uFFFD' : c));
        return cut ? text + "…" : text;
    }
}
