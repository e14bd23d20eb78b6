using System.Globalization;

namespace DistillOnnx.Server.Services;

/// <summary>The header in which gRPC callers say how long they wait: at most eight digits and a unit.</summary>
internal static class GrpcTimeout
{
    private const int MostDigits = 8;

    // Eight digits of hours exceed the range of dates, and timers take no more than seven weeks.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(30);

    /// <summary>Reads it. Null: there is none, or it says nothing that gRPC defines.</summary>
    public static TimeSpan? Parse(string? header)
    {
        if (header is null || header.Length is < 2 or > MostDigits + 1) return null;
        if (!long.TryParse(header.AsSpan(0, header.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var value))
            return null;
        TimeSpan? timeout = header[^1] switch
        {
            'H' => TimeSpan.FromHours(value),
            'M' => TimeSpan.FromMinutes(value),
            'S' => TimeSpan.FromSeconds(value),
            'm' => TimeSpan.FromMilliseconds(value),
            'u' => TimeSpan.FromMicroseconds(value),
            'n' => TimeSpan.FromTicks(value / 100),
            _ => null,
        };
        return timeout > Longest ? Longest : timeout;
    }
}
