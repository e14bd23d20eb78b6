using DistillOnnx.Core.Prediction;
using DistillOnnx.Data;

namespace DistillOnnx.Toolchain.Selection;

/// <summary>Names the row on which a model fails.</summary>
internal static class RowFailure
{
    /// <summary>What a model answers to rows; where it fails, they run one by one to find out which is at fault.</summary>
    /// <exception cref="InferenceException">It fails on a row, which the message names.</exception>
    public static IReadOnlyList<T> Named<T>(Example[] rows, Func<Example[], IReadOnlyList<T>> model)
    {
        try
        {
            return model(rows);
        }
        catch (InferenceException) when (rows.Length > 1)
        {
            return [.. rows.SelectMany(r => Named([r], model))];
        }
        catch (InferenceException e)
        {
            throw new InferenceException($"row {rows[0].Id}: {e.Message}", e);
        }
    }
}
