namespace DistillOnnx.Export.Weights;

/// <summary>Float values that are made when asked for: a weight of the checkpoint, or one worked out from several.</summary>
/// <param name="Name">The name that the values get in a graph.</param>
/// <param name="Dims">Shape, slowest first.</param>
/// <param name="Read">Makes the values, row-major; the caller owns them.</param>
internal sealed record WeightMatrix(string Name, IReadOnlyList<long> Dims, Func<float[]> Read)
{
    /// <summary>Rows of a matrix.</summary>
    public int Rows => checked((int)Dims[^2]);

    /// <summary>Columns of a matrix.</summary>
    public int Columns => checked((int)Dims[^1]);

    /// <summary>What this is the transpose of, if it is one: turning it back costs nothing.</summary>
    private WeightMatrix? Original { get; init; }

    /// <summary>The transposed matrix.</summary>
    public WeightMatrix Transposed() => Original
        ?? new(Name + ".transposed", [Dims[1], Dims[0]], () => Matrices.Transpose(Read(), Rows, Columns)) { Original = this };

    /// <summary>The matrix with rows and columns of zeros after its own.</summary>
    /// <param name="rows">Rows of the result.</param>
    /// <param name="columns">Columns of the result.</param>
    public WeightMatrix Padded(int rows, int columns) => rows == Rows && columns == Columns
        ? this
        : new(Name + ".padded", [rows, columns], () =>
        {
            var (values, result) = (Read(), new float[checked(rows * columns)]);
            for (var row = 0; row < Rows; row++) values.AsSpan(row * Columns, Columns).CopyTo(result.AsSpan(row * columns));
            return result;
        });
}
