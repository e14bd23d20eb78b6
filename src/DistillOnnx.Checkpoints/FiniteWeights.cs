using System.Collections.Concurrent;
using System.Numerics;
using DistillOnnx.Core;

namespace DistillOnnx.Checkpoints;

/// <summary>Finds weights that are no numbers, which would make every answer of a model one that is none.</summary>
internal static class FiniteWeights
{
    private const int Piece = 1 << 16;

    /// <summary>Reads all tensors once.</summary>
    /// <param name="tensors">The weights.</param>
    /// <param name="file">The file, for messages.</param>
    /// <exception cref="InputException">A weight is NaN or infinite; the message names the tensor and the place.</exception>
    public static void Require(ITensorSource tensors, string file)
    {
        var faults = new ConcurrentBag<(string Name, string Text)>();
        Parallel.ForEach(tensors.Tensors.Values, () => new float[Piece], (tensor, _, values) =>
        {
            for (var offset = 0L; offset < tensor.ElementCount; offset += Piece)
            {
                var piece = values.AsSpan(0, (int)Math.Min(Piece, tensor.ElementCount - offset));
                tensors.ReadFloat32(tensor.Name, piece, offset);
                if (IsFinite(piece)) continue;
                var at = 0;
                while (float.IsFinite(piece[at])) at++;
                faults.Add((
                    tensor.Name,
                    $"tensor \"{tensor.Name}\" holds {(float.IsNaN(piece[at]) ? "NaN" : "an infinity")} (element {offset + at}); "
                        + "expected finite weights"));
                break;
            }

            return values;
        }, _ => { });
        if (!faults.IsEmpty) throw new InputException($"{file}: {faults.MinBy(f => f.Name, StringComparer.Ordinal).Text}");
    }

    private static bool IsFinite(ReadOnlySpan<float> values)
    {
        // A product with zero is NaN exactly for NaN and infinities, and stays NaN in a sum.
        var zeros = Vector<float>.Zero;
        var i = 0;
        for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
            zeros += new Vector<float>(values[i..]) * Vector<float>.Zero;
        var sum = Vector.Sum(zeros);
        for (; i < values.Length; i++) sum += values[i] * 0f;
        return sum == 0f;
    }
}
