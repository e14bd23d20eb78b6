using System.Security.Cryptography;
using System.Text;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Import;

/// <summary>
/// Deals the rows of one split out to train, validation and test. Rows about the same thing (the same premise, or the same
/// input) stay together: a student must not be selected or measured on what it was trained on.
/// </summary>
internal sealed class SplitPlan
{
    private readonly string[] _splitOfRow;

    private SplitPlan(string[] splitOfRow) => _splitOfRow = splitOfRow;

    /// <summary>The split that a row goes to.</summary>
    /// <param name="row">Position in the split dealt out, from 0.</param>
    public string this[int row] => _splitOfRow[row];

    /// <summary>Deals out. Groups are taken in a seeded random order until a split is full; a group that would overfill it is passed over.</summary>
    /// <param name="inputs">The rows' inputs, in order.</param>
    /// <param name="task">Knows what separates an input's parts.</param>
    /// <param name="options">The fractions and the seed.</param>
    /// <exception cref="InputException">A split would stay empty.</exception>
    public static SplitPlan Deal(IEnumerable<string> inputs, TaskSpec task, ImportOptions options)
    {
        var groups = new List<List<int>>();
        var known = new Dictionary<UInt128, int>();
        var rows = 0;
        foreach (var input in inputs)
        {
            var key = Key(input, task.SegmentSeparator);
            if (!known.TryGetValue(key, out var group))
            {
                known.Add(key, group = groups.Count);
                groups.Add([]);
            }

            groups[group].Add(rows++);
        }

        var order = Enumerable.Range(0, groups.Count).ToArray();
        new SplitMix64(options.Seed).Shuffle<int>(order);
        var result = new string[rows];
        Array.Fill(result, SplitNames.Train);
        Take(SplitNames.Validation, options.Holdout);
        Take(SplitNames.Test, options.HoldoutTest);
        if (!result.Contains(SplitNames.Train)) throw new InputException($"--split-from {options.SplitFrom}: nothing is left to train on");
        return new SplitPlan(result);

        void Take(string split, double fraction)
        {
            if (fraction == 0) return;
            var left = (int)Math.Round(fraction * rows, MidpointRounding.AwayFromZero);
            for (var i = 0; i < order.Length && left > 0; i++)
            {
                if (order[i] < 0 || groups[order[i]].Count > left) continue;
                foreach (var row in groups[order[i]]) result[row] = split;
                left -= groups[order[i]].Count;
                order[i] = -1;
            }

            if (!result.Contains(split)) throw new InputException($"--split-from {options.SplitFrom}: {rows} rows in {groups.Count} groups leave none for {split} at a fraction of {fraction}");
        }
    }

    private static UInt128 Key(string input, string? separator)
    {
        var at = separator is null ? -1 : input.IndexOf(separator, StringComparison.Ordinal);
        var subject = at < 0 ? input : input[..at];
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(subject), digest);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }
}
