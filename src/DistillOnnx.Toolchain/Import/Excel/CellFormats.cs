using System.Globalization;
using System.Xml;

namespace DistillOnnx.Toolchain.Import.Excel;

/// <summary>
/// Shows numbers as a person sees them in the sheet: dates as dates, percentages with their sign, and rounded to the decimals that
/// the format shows. Separators of thousands, currencies and the language's own order of a date are left out.
/// </summary>
internal sealed class CellFormats
{
    private const int Days1904 = 1462;
    private const double MostDays = 2958466;
    private readonly List<int> _styles = [];
    private readonly Dictionary<int, string> _codes = [];
    private readonly Dictionary<int, NumberFormat> _formats = [];
    private readonly bool _from1904;

    /// <summary>Reads the formats.</summary>
    /// <param name="reader">The part <c>styles.xml</c>; null: there are none.</param>
    /// <param name="from1904">Whether days are counted from 1904.</param>
    public CellFormats(XmlReader? reader, bool from1904)
    {
        _from1904 = from1904;
        using (reader)
        {
            var inCells = false;
            while (reader?.Read() == true)
            {
                if (reader.LocalName == "cellXfs") inCells = reader.NodeType == XmlNodeType.Element && !reader.IsEmptyElement;
                if (reader.NodeType != XmlNodeType.Element) continue;
                if (reader.LocalName == "numFmt" && Number(reader.GetAttribute("numFmtId")) is { } id)
                    _codes.TryAdd(id, reader.GetAttribute("formatCode") ?? "");
                else if (inCells && reader.LocalName == "xf") _styles.Add(Number(reader.GetAttribute("numFmtId")) ?? 0);
            }
        }
    }

    /// <summary>A number as it is shown.</summary>
    /// <param name="text">The number as the file has it.</param>
    /// <param name="style">The cell's style; null: none.</param>
    public string Show(string text, string? style)
    {
        if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) || !double.IsFinite(value)) return text;
        var index = Number(style) ?? 0;
        var id = index < _styles.Count ? _styles[index] : 0;
        if (!_formats.TryGetValue(id, out var format)) _formats[id] = format = NumberFormat.Of(id, _codes.GetValueOrDefault(id));
        if (format.IsDuration) return Duration(value);
        if (format.IsDate && value is >= 0 and < MostDays) return Date(value);
        if (Math.Abs(value) >= 1e15) return value.ToString("G15", CultureInfo.InvariantCulture);
        // Fifteen digits are what the sheet computes with and shows; the last bits of the binary number are no part of it.
        var exact = (decimal)value * (format.IsPercent ? 100 : 1);
        if (format.Decimals is not { } decimals) return exact.ToString("0.############################", CultureInfo.InvariantCulture);
        var places = new string('0', format.LeastDecimals) + new string('#', decimals - format.LeastDecimals);
        return Math.Round(exact, decimals, MidpointRounding.AwayFromZero)
            .ToString(places.Length == 0 ? "0" : $"0.{places}", CultureInfo.InvariantCulture) + (format.IsPercent ? "%" : "");
    }

    private static string Duration(double days)
    {
        var seconds = (long)Math.Round(Math.Abs(days) * 86400);
        return FormattableString.Invariant($"{(days < 0 ? "-" : "")}{seconds / 3600}:{seconds / 60 % 60:00}:{seconds % 60:00}");
    }

    private string Date(double value)
    {
        if (_from1904) value += Days1904;
        // A sheet that counts from 1900 has a 29th of February in that year, which the calendar has not.
        else if (value is >= 1 and < 60) value++;
        var seconds = (long)Math.Round(value * 86400);
        var date = new DateTime(1899, 12, 30).AddSeconds(seconds);
        var format = value < 1 ? "HH:mm:ss" : seconds % 86400 == 0 ? "yyyy-MM-dd" : "yyyy-MM-ddTHH:mm:ss";
        return date.ToString(format, CultureInfo.InvariantCulture);
    }

    private static int? Number(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
