using Microsoft.ML.OnnxRuntime;

namespace DistillOnnx.Runtime.Sessions;

/// <summary>Rows of tokens padded to the longest, with their mask, over rented memory.</summary>
internal sealed class TokenBatch : IDisposable
{
    private readonly PooledTensor<long> _ids;
    private readonly PooledTensor<long> _mask;

    /// <summary>Fills the tensors.</summary>
    /// <param name="rows">Tokens of each row; at least one row.</param>
    /// <param name="padId">Put after them.</param>
    /// <param name="shapes">Rounds the padded length; null: it stays.</param>
    public TokenBatch(IReadOnlyList<int[]> rows, int padId, RunShapes? shapes = null)
    {
        var longest = 1;
        foreach (var row in rows) longest = Math.Max(longest, row.Length);
        if (shapes is not null) longest = shapes.Length(longest);
        Rows = rows.Count;
        Length = longest;
        _ids = new PooledTensor<long>(rows.Count, longest);
        _mask = new PooledTensor<long>(rows.Count, longest);
        var ids = _ids.Span;
        var mask = _mask.Span;
        if (padId != 0) ids.Fill(padId);
        for (var r = 0; r < rows.Count; r++)
        {
            var row = rows[r];
            for (var i = 0; i < row.Length; i++) ids[(r * longest) + i] = row[i];
            mask.Slice(r * longest, row.Length).Fill(1);
        }
    }

    /// <summary>How many rows.</summary>
    public int Rows { get; }

    /// <summary>Padded length.</summary>
    public int Length { get; }

    /// <summary>Tokens int64[rows, length].</summary>
    public OrtValue InputIds => _ids.Value;

    /// <summary>1 for tokens, 0 for padding: int64[rows, length].</summary>
    public OrtValue AttentionMask => _mask.Value;

    public void Dispose()
    {
        _ids.Dispose();
        _mask.Dispose();
    }
}
