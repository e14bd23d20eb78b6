namespace DistillOnnx.Runtime.Sessions;

/// <summary>
/// Rounds the shapes of runs up, so that few distinct ones occur: a GPU records each shape's kernels once and its memory keeps a block
/// for every shape that it has seen.
/// </summary>
/// <param name="Step">Lengths become multiples of this, beyond eight of them multiples of four times this; 1: they stay.</param>
/// <param name="TokensPerRun">What one more run costs, in tokens of encoding.</param>
internal sealed record RunShapes(int Step, int TokensPerRun)
{
    /// <summary>Shapes as they are: for processors, where a shape costs nothing and padding does.</summary>
    public static RunShapes AsTheyAre { get; } = new(1, 16);

    /// <summary>For GPUs, which encode some thousand tokens in the time that a run takes at least.</summary>
    public static RunShapes Rounded { get; } = new(16, 2048);

    /// <summary>A length, padding included.</summary>
    /// <param name="tokens">Tokens of the longest row.</param>
    public int Length(int tokens)
    {
        var step = Step > 1 && tokens > 8 * Step ? 4 * Step : Step;
        return (tokens + step - 1) / step * step;
    }

    /// <summary>A number of rows, empty ones included: a power of two or one and a half of it, so that under a third are empty.</summary>
    /// <param name="rows">Rows that are needed, at least one.</param>
    public int Rows(int rows)
    {
        if (Step == 1) return rows;
        var power = 1 << (31 - int.LeadingZeroCount(rows));
        return rows == power ? rows : 2 * rows <= 3 * power ? 3 * power / 2 : 2 * power;
    }
}
