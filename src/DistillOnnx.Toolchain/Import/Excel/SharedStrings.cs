using System.Text;
using System.Xml;

namespace DistillOnnx.Toolchain.Import.Excel;

/// <summary>The texts of a workbook, which its cells name by position.</summary>
internal sealed class SharedStrings : IDisposable
{
    private readonly TextStore _texts = new();

    /// <summary>Reads the texts.</summary>
    /// <param name="reader">The part <c>sharedStrings.xml</c>; null: there are none.</param>
    public SharedStrings(XmlReader? reader)
    {
        using (reader)
        {
            while (reader?.Read() == true)
            {
                if (reader.NodeType == XmlNodeType.Element && reader.LocalName == "si") _texts.Add(RichText(reader));
            }
        }

        _texts.Complete();
    }

    /// <summary>A text by its position.</summary>
    /// <exception cref="InvalidDataException">There is no such text.</exception>
    public string this[int index] => (uint)index < (uint)_texts.Count
        ? _texts[index]!
        : throw new InvalidDataException($"a cell names the text {index} of {_texts.Count}");

    /// <summary>The text of an element of runs, without the pronunciation that stands beside some.</summary>
    /// <param name="reader">At the element; afterwards at its end.</param>
    public static string RichText(XmlReader reader)
    {
        if (reader.IsEmptyElement) return "";
        var text = new StringBuilder();
        var depth = reader.Depth;
        while (reader.Read() && reader.Depth > depth)
        {
            if (reader.NodeType != XmlNodeType.Element) continue;
            if (reader.LocalName == "rPh") SkipContent(reader);
            else if (reader.LocalName == "t") text.Append(Content(reader));
        }

        return Unescape(text.ToString());
    }

    /// <summary>The text of an element.</summary>
    /// <param name="reader">At the element; afterwards at its end.</param>
    public static string Content(XmlReader reader)
    {
        if (reader.IsEmptyElement) return "";
        var text = new StringBuilder();
        var depth = reader.Depth;
        while (reader.Read() && reader.Depth > depth)
        {
            if (reader.NodeType is XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace)
                text.Append(reader.Value);
        }

        return text.ToString();
    }

    /// <summary>Undoes <c>_x000D_</c>, by which the format writes characters that XML has no place for.</summary>
    public static string Unescape(string text)
    {
        var at = text.IndexOf("_x", StringComparison.Ordinal);
        if (at < 0) return text;
        var result = new StringBuilder(text.Length);
        var from = 0;
        for (; at >= 0; at = text.IndexOf("_x", Math.Max(from, at + 1), StringComparison.Ordinal))
        {
            if (at < from || at + 7 > text.Length || text[at + 6] != '_') continue;
            if (!ushort.TryParse(text.AsSpan(at + 2, 4), System.Globalization.NumberStyles.AllowHexSpecifier, null, out var code)) continue;
            result.Append(text, from, at - from).Append((char)code);
            from = at + 7;
        }

        // Excel ends lines within a cell by a line feed; the carriage return beside it is a trace of where the text was copied from.
        return result.Append(text, from, text.Length - from).Replace("\r\n", "\n").ToString();
    }

    public void Dispose() => _texts.Dispose();

    private static void SkipContent(XmlReader reader)
    {
        if (reader.IsEmptyElement) return;
        var depth = reader.Depth;
        while (reader.Read() && reader.Depth > depth)
        {
        }
    }
}
