using static TorchSharp.torch;

namespace DistillOnnx.Training.T5;

/// <summary>Inputs of a batch side by side, the shorter ones padded.</summary>
/// <param name="Ids">int64 [B, S].</param>
/// <param name="Mask">int64 [B, S]: 1 for a token, 0 for padding.</param>
internal sealed record PaddedBatch(Tensor Ids, Tensor Mask) : IDisposable
{
    /// <summary>Puts token sequences side by side.</summary>
    /// <param name="rows">The sequences; none may be empty.</param>
    /// <param name="padId">What to pad with.</param>
    /// <param name="device">Where the tensors shall lie.</param>
    public static PaddedBatch Create(IReadOnlyList<int[]> rows, int padId, Device device)
    {
        var length = rows.Max(r => r.Length);
        var ids = new long[rows.Count * length];
        var mask = new long[ids.Length];
        Array.Fill(ids, padId);
        for (var b = 0; b < rows.Count; b++)
        {
            ArgumentOutOfRangeException.ThrowIfZero(rows[b].Length, nameof(rows));
            for (var i = 0; i < rows[b].Length; i++)
            {
                ids[b * length + i] = rows[b][i];
                mask[b * length + i] = 1;
            }
        }

        return new PaddedBatch(tensor(ids, [rows.Count, length], device: device), tensor(mask, [rows.Count, length], device: device));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Ids.Dispose();
        Mask.Dispose();
    }
}
