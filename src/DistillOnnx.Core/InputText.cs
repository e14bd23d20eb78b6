using System.Globalization;
using System.Text;

namespace DistillOnnx.Core;

/// <summary>Text out of files that nobody vouches for, made fit for a one-line message.</summary>
public static class InputText
{
    private const int Longest = 160;

    /// <summary>Cuts a text and escapes what would break a line or a terminal, and what cannot be seen.</summary>
    public static string Show(string text) => Show(text, exactly: false);

    /// <summary>
    /// Shows as <see cref="Show(string)"/> does, and escapes marks that a letter can be composed with too: texts that look alike but are
    /// not equal then differ in what is shown.
    /// </summary>
    public static string ShowExactly(string text) => Show(text, exactly: true);

    private static string Show(string text, bool exactly)
    {
        var cut = text.Length > Longest;
        if (cut) text = text[..Longest];
        var shown = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (!IsHidden(rune) && !(exactly && Composes(rune.Value))) shown.Append(rune);
            else if (rune.IsBmp) shown.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}");
            else shown.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:X8}");
        }

        return cut ? shown.Append('…').ToString() : shown.ToString();
    }

    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        UnicodeCategory.SpaceSeparator => rune.Value != ' ',
        // Variation selectors.
        _ => rune.Value is (>= 0xFE00 and <= 0xFE0F) or (>= 0xE0100 and <= 0xE01EF),
    };

    // Accents of Latin, Greek and Cyrillic letters, sound marks of kana, and the letters of Hangul: what NFD takes apart and NFC joins.
    private static bool Composes(int value) => value is (>= 0x0300 and <= 0x036F) or 0x3099 or 0x309A or (>= 0x1100 and <= 0x11FF);
}
