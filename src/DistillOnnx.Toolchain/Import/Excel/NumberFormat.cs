using System.Text;

namespace DistillOnnx.Toolchain.Import.Excel;

/// <summary>What of a number format changes the number that a person sees (ECMA-376 part 1, 18.8.30 and 18.8.31).</summary>
/// <param name="IsDate">Whether the number is a date or a time.</param>
/// <param name="IsDuration">Whether it is a time that may be longer than a day.</param>
/// <param name="IsPercent">Whether it is shown times 100 with a per cent sign.</param>
/// <param name="Decimals">Most decimals shown; null: as many as there are.</param>
/// <param name="LeastDecimals">Decimals shown where they are 0, too.</param>
internal readonly record struct NumberFormat(bool IsDate, bool IsDuration, bool IsPercent, int? Decimals, int LeastDecimals)
{
    private static readonly Dictionary<int, string> BuiltIn = new()
    {
        [1] = "0",
        [2] = "0.00",
        [3] = "0",
        [4] = "0.00",
        [9] = "0%",
        [10] = "0.00%",
        [37] = "0",
        [38] = "0",
        [39] = "0.00",
        [40] = "0.00",
        [46] = "[h]:mm:ss",
    };

    /// <summary>A format.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="code">Its code where the workbook has one.</param>
    public static NumberFormat Of(int id, string? code)
    {
        // The rest of these are dates and times, in the orders of several languages.
        if (code is null && id is (>= 14 and <= 22) or (>= 27 and <= 36) or 45 or 47 or (>= 50 and <= 58)) return Date;
        code ??= BuiltIn.GetValueOrDefault(id);
        return code is null ? default : Parse(code);
    }

    private static NumberFormat Date => new(true, false, false, null, 0);

    private static NumberFormat Parse(string code)
    {
        var bare = Bare(code, out var duration);
        if (duration) return new NumberFormat(false, true, false, null, 0);
        if (bare.Contains("general", StringComparison.OrdinalIgnoreCase)) return default;
        if (bare.AsSpan().IndexOfAny("yYmMdDhHsS") >= 0) return Date;
        // Digits beyond those of a fraction or an exponent are of no use to a reader of text.
        if (bare.AsSpan().IndexOfAny("eE/@") >= 0 || bare.AsSpan().IndexOfAny("0#?") < 0) return default;
        var point = bare.IndexOf('.', StringComparison.Ordinal);
        var places = point < 0 ? "" : string.Concat(bare[(point + 1)..].Where(c => c is '0' or '#' or '?'));
        return new NumberFormat(false, false, bare.Contains('%', StringComparison.Ordinal), places.Length, places.Count(c => c == '0'));
    }

    // The first section of a code, without what is shown literally: texts in quotes, escaped characters, colours and conditions.
    private static string Bare(string code, out bool duration)
    {
        duration = false;
        var bare = new StringBuilder();
        for (var i = 0; i < code.Length && code[i] != ';'; i++)
        {
            switch (code[i])
            {
                case '"':
                    i = code.IndexOf('"', i + 1) is var end and >= 0 ? end : code.Length;
                    break;
                case '\\' or '_' or '*':
                    i++;
                    break;
                case '[':
                    var close = code.IndexOf(']', i) is var at and >= 0 ? at : code.Length - 1;
                    if (code[(i + 1)..close].ToLowerInvariant() is "h" or "hh" or "m" or "mm" or "s" or "ss") duration = true;
                    i = close;
                    break;
                default:
                    bare.Append(code[i]);
                    break;
            }
        }

        return bare.ToString();
    }
}
