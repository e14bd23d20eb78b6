namespace DistillOnnx.Toolchain.Selection;

/// <summary>A row of a pool that may be taken.</summary>
/// <param name="Row">Its place in the pool, from 0, repeated rows counted.</param>
/// <param name="Score">The more, the sooner it is taken.</param>
/// <param name="Tie">Decides between equal scores, the smaller first: drawn by the seed from the row's input.</param>
internal readonly record struct Candidate(long Row, double Score, UInt128 Tie) : IComparable<Candidate>
{
    /// <summary>Orders the rows that are taken sooner before the others.</summary>
    public int CompareTo(Candidate other) => other.Score.CompareTo(Score) is var order and not 0 ? order : Tie.CompareTo(other.Tie);
}
