using DistillOnnx.Runtime;

namespace DistillOnnx.Hosting;

/// <summary>
/// Which bundle a program predicts with, and within which limits. Set while the program starts; not changed afterwards, so
/// that it may be read from several threads.
/// </summary>
public sealed class DistillOnnxOptions
{
    /// <summary>The bundle directory.</summary>
    public string Bundle { get; set; } = "";

    /// <summary>
    /// How the bundle is run. Batches run side by side, as in the server; set <see cref="RuntimeOptions.Lanes"/> to 1 for
    /// one at a time.
    /// </summary>
    public RuntimeOptions Runtime { get; set; } = new() { Lanes = RuntimeOptions.LanesFor(0) };

    /// <summary>Most rows that may wait, and most inputs of one call; calls beyond it fail at once.</summary>
    public int QueueRows { get; set; } = 1024;

    /// <summary>Most rows of a batch; 0: 32 on a processor, 256 on a GPU.</summary>
    public int BatchRows { get; set; }

    /// <summary>Most tokens of a batch, padding counted; 0: 512 on a processor, 16384 on a GPU.</summary>
    public int BatchTokens { get; set; }

    /// <summary>How long a batch that is not full waits for more rows; zero: a batch is what gathered while the last one ran.</summary>
    public TimeSpan BatchWait { get; set; }

    /// <summary>All faults, empty where there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var faults = new List<string>();
        if (string.IsNullOrWhiteSpace(Bundle)) faults.Add($"{nameof(Bundle)} is empty; expected a bundle directory");
        else if (!Directory.Exists(Bundle)) faults.Add($"{nameof(Bundle)}: {Bundle}: no such directory");
        if (QueueRows < 1) faults.Add($"{nameof(QueueRows)} must be at least 1, found {QueueRows}");
        if (BatchRows < 0) faults.Add($"{nameof(BatchRows)} must not be negative, found {BatchRows}");
        if (BatchTokens < 0) faults.Add($"{nameof(BatchTokens)} must not be negative, found {BatchTokens}");
        if (BatchWait < TimeSpan.Zero || BatchWait > TimeSpan.FromMinutes(1))
            faults.Add($"{nameof(BatchWait)} must be between 0 and 1 minute, found {BatchWait}");
        if (Runtime is null) faults.Add($"{nameof(Runtime)} is null");
        else faults.AddRange(Runtime.Validate().Select(f => $"{nameof(Runtime)}: {f}"));
        return faults;
    }
}
