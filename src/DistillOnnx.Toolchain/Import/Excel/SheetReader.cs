using System.Globalization;
using System.Xml;

namespace DistillOnnx.Toolchain.Import.Excel;

/// <summary>Reads the cells of a sheet row by row.</summary>
/// <param name="reader">The sheet's part.</param>
/// <param name="strings">The workbook's texts.</param>
/// <param name="formats">How numbers are shown.</param>
internal sealed class SheetReader(XmlReader reader, SharedStrings strings, CellFormats formats)
{
    /// <summary>The rows that have cells; a value is a text, a <see cref="CellError"/> or null.</summary>
    public IEnumerable<(long Number, IReadOnlyList<object?> Cells)> Rows()
    {
        var number = 0L;
        while (reader.Read())
        {
            if (reader.NodeType != XmlNodeType.Element || reader.LocalName != "row") continue;
            // A row that names no number follows the one before it.
            number = long.TryParse(reader.GetAttribute("r"), NumberStyles.None, CultureInfo.InvariantCulture, out var named)
                ? named
                : number + 1;
            if (!reader.IsEmptyElement) yield return (number, Cells());
        }
    }

    private List<object?> Cells()
    {
        var cells = new List<object?>();
        var depth = reader.Depth;
        var next = 0;
        while (reader.Read() && reader.Depth > depth)
        {
            if (reader.NodeType != XmlNodeType.Element || reader.LocalName != "c") continue;
            var column = Column(reader.GetAttribute("r")) ?? next;
            next = column + 1;
            while (cells.Count <= column) cells.Add(null);
            cells[column] = Cell();
        }

        return cells;
    }

    private object? Cell()
    {
        var (type, style) = (reader.GetAttribute("t") ?? "n", reader.GetAttribute("s"));
        if (reader.IsEmptyElement) return null;
        string? value = null, inline = null;
        var depth = reader.Depth;
        while (reader.Read() && reader.Depth > depth)
        {
            if (reader.NodeType != XmlNodeType.Element) continue;
            if (reader.LocalName == "v") value = SharedStrings.Content(reader);
            else if (reader.LocalName == "is") inline = SharedStrings.RichText(reader);
        }

        if (type == "inlineStr") return inline;
        if (string.IsNullOrEmpty(value)) return null;
        return type switch
        {
            "s" => strings[int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : -1],
            "str" => SharedStrings.Unescape(value),
            "b" => value is "1" or "true" ? "TRUE" : "FALSE",
            "e" => new CellError(value),
            "d" => value,
            _ => formats.Show(value, style),
        };
    }

    // The letters of a reference such as AB12, as a position from 0.
    private static int? Column(string? reference)
    {
        var column = 0;
        foreach (var letter in reference ?? "")
        {
            if (!char.IsAsciiLetterUpper(letter)) break;
            column = column * 26 + (letter - 'A' + 1);
        }

        return column is > 0 and <= 16384 ? column - 1 : null;
    }
}
