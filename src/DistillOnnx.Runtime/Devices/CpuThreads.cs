using System.Globalization;

namespace DistillOnnx.Runtime.Devices;

/// <summary>How many threads a processor's session gets where nobody says.</summary>
internal static class CpuThreads
{
    private const string Present = "/sys/devices/system/cpu/present";

    /// <summary>
    /// Threads for a session: what was asked for, else 0, which is ONNX Runtime's own choice of one for each core. But ONNX
    /// Runtime counts the machine's cores and knows nothing of a container's share of them; there it is one for each core
    /// of the share.
    /// </summary>
    /// <param name="asked">What was asked for; 0: nothing.</param>
    public static int Of(int asked) => Of(asked, Environment.ProcessorCount, File.Exists(Present) ? File.ReadAllText(Present) : "");

    /// <summary>How many threads a setting stands for: 0 is one for each core that this process may use.</summary>
    /// <param name="threads">The setting.</param>
    public static int Count(int threads) => threads > 0 ? threads : Environment.ProcessorCount;

    /// <param name="asked">What was asked for; 0: nothing.</param>
    /// <param name="usable">Cores that this process may use.</param>
    /// <param name="present">Cores of the machine as Linux writes them: <c>0-7</c>, <c>0,2-3</c>; empty: unknown.</param>
    internal static int Of(int asked, int usable, string present)
    {
        if (asked > 0) return asked;
        var cores = 0;
        foreach (var range in present.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = range.Split('-');
            if (!int.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || !int.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var last)) return 0;
            cores += last - first + 1;
        }

        return usable < cores ? usable : 0;
    }
}
